import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayLogsArtifact, gatewayLogs } from '../../src/collect/gateway-logs.ts';
import { countLogErrors } from '../../src/collect/log-errors.ts';
import type { SubjectName } from '../../src/plan/plan.ts';
import { redactLog } from '../../src/redact.ts';
import { contextOf, trialOf } from './context.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl-_x';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatebench-logs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('errors in a log', () => {
  it('are counted by code or class in JSON lines of pino', () => {
    const seen = countLogErrors(
      [
        '{"level":30,"msg":"listening"}',
        '{"level":50,"code":"GW_UPSTREAM_TIMEOUT","msg":"slow"}',
        '{"level":50,"err":{"type":"DatabaseError","code":"57P01","message":"terminating"},"msg":"query failed"}',
        '{"level":60,"err":{"type":"TypeError"},"msg":"crash"}',
        '{"level":50,"code":"GW_UPSTREAM_TIMEOUT","msg":"slow"}',
        '{"level":40,"msg":"retrying"}',
        '{"level":50,"msg":"cut sho',
      ].join('\n'),
    );
    expect(seen).toMatchObject({ lines: 7, errors: 4, warnings: 1, idleInTransactionTimeouts: 0 });
    expect(seen.byType).toEqual([
      { type: 'GW_UPSTREAM_TIMEOUT', count: 2 },
      { type: '57P01', count: 1 },
      { type: 'TypeError', count: 1 },
    ]);
    expect(seen.lastErrors).toHaveLength(4);
  });

  it('are found in the text of a Python gateway, and idle-in-transaction time-outs with them', () => {
    const seen = countLogErrors(
      [
        '2026-11-20 13:00:00,123 - mcpgateway - INFO - started, 0 errors',
        '2026-11-20 13:00:01,123 - mcpgateway - ERROR - ToolInvocationError: no answer',
        'sqlalchemy.exc.OperationalError: terminating connection due to idle-in-transaction timeout',
        'FATAL:  terminating connection due to idle-in-transaction timeout',
        '2026-11-20 13:00:02,123 - mcpgateway - WARNING - slow',
      ].join('\n'),
    );
    expect(seen).toMatchObject({ errors: 2, warnings: 1, idleInTransactionTimeouts: 2 });
    expect(seen.byType[0]?.type).toBe('ToolInvocationError');
  });
});

describe('redaction', () => {
  it.each([
    [`authorization: Bearer ${JWT}`, 'authorization: Bearer [redacted]'],
    [`"token":"${JWT}"`, '"token":"[redacted]"'],
    ['postgresql://mcp:s3cret-word@127.0.0.1:5432/mcp', 'postgresql://mcp:[redacted]@127.0.0.1:5432/mcp'],
    ['JWT_SECRET_KEY=abc password=hunter22 next', 'JWT_SECRET_KEY=abc password=[redacted] next'],
    ['Authorization: Basic YWRtaW46cGFzc3dvcmQ=', 'Authorization: Basic [redacted]'],
    ['GET /tools took 5 ms', 'GET /tools took 5 ms'],
  ])('of %s', (text, expected) => {
    expect(redactLog(text)).toBe(expected);
  });

  it('removes secrets that are known, whatever they look like', () => {
    expect(redactLog('key is plain-words-here.', ['plain-words-here'])).toBe('key is [redacted].');
  });
});

describe('the log collector', () => {
  it('counts what was written during the trial, and keeps the whole log without tokens', async () => {
    const logFile = join(folder, 'gateway.log');
    await writeFile(logFile, '{"level":50,"msg":"before the trial"}\n');
    const context = contextOf({
      gateways: { current: { logFile, token: 'opaque-token-0123' }, reference: { logFile, token: 'x' } },
      runFolder: folder,
    });
    const session = await gatewayLogs.start(context);
    const end = await session.watchTrial?.(trialOf('current'));
    await appendFile(logFile, `{"level":50,"msg":"during","token":"opaque-token-0123","jwt":"${JWT}"}\n`);
    const artifact = Value.Parse(GatewayLogsArtifact, await end?.());
    expect(artifact).toMatchObject({ errors: 1, skippedBytes: 0, byType: [{ type: 'during', count: 1 }] });
    expect(JSON.stringify(artifact)).not.toMatch(/eyJ|opaque-token/);
    await session[Symbol.asyncDispose]();
    const kept = await readFile(join(folder, 'gateway_logs.txt'), 'utf8');
    expect(kept).toContain('before the trial');
    expect(kept).not.toMatch(/eyJ|opaque-token/);
    expect(await readFile(join(folder, 'gateway_logs.reference.txt'), 'utf8')).toContain('during');
  });

  it('reads a log that was begun anew from its start, and skips the start of one that is far too long', async () => {
    const logFile = join(folder, 'gateway.log');
    await writeFile(logFile, 'x'.repeat(5000));
    const session = await gatewayLogs.start(contextOf({ gateways: { current: { logFile } }, runFolder: folder }));
    const end = await session.watchTrial?.(trialOf('current'));
    await writeFile(logFile, '{"level":50,"msg":"anew"}\n');
    expect(await end?.()).toMatchObject({ errors: 1, bytes: 26 });
    const endLong = await session.watchTrial?.(trialOf('current'));
    await appendFile(logFile, '{"level":50,"msg":"many"}\n'.repeat(400_000));
    const long = Value.Parse(GatewayLogsArtifact, await endLong?.());
    expect(long.bytes).toBe(400_000 * 26);
    expect(long.skippedBytes).toBe(400_000 * 26 - 8 * 1024 * 1024);
  });

  it('counts for each of two trials that overlap what its own gateway wrote during it', async () => {
    const logFiles = { current: join(folder, 'current.log'), reference: join(folder, 'reference.log') };
    const log = (subject: SubjectName, message: string) =>
      appendFile(logFiles[subject], `{"level":50,"msg":"${message}"}\n`);
    for (const message of ['before', 'once more']) await log('reference', message);
    await log('current', 'before');
    const session = await gatewayLogs.start(
      contextOf({
        gateways: { current: { logFile: logFiles.current }, reference: { logFile: logFiles.reference } },
        runFolder: folder,
      }),
    );
    const endCurrent = await session.watchTrial?.(trialOf('current'));
    const endReference = await session.watchTrial?.(trialOf('reference'));
    await log('current', 'during');
    await log('reference', 'meanwhile');
    expect(await endCurrent?.()).toMatchObject({ byType: [{ type: 'during', count: 1 }] });
    expect(await endReference?.()).toMatchObject({ byType: [{ type: 'meanwhile', count: 1 }] });
  });

  it('says why when the log is not ours', async () => {
    await expect(gatewayLogs.start(contextOf({ gateways: { current: {} } }))).rejects.toThrow('not ours to read');
  });
});

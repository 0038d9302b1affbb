// The official Python client through the built gateway: the stateless revision, a session of Streamable HTTP, the SSE transport.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type EverythingUpstream, startEverythingUpstream } from './everything-upstream.ts';
import { type GatewayProcess, secret, startGateway } from './gateway-process.ts';

/** `.ci/run` makes it: python3 -m venv .cache/python-sdk && .cache/python-sdk/bin/pip install mcp==2.3.0 */
const python = join(import.meta.dirname, '../../../.cache/python-sdk/bin/python');
const client = join(import.meta.dirname, 'python/client.py');
const isThere = existsSync(python);
if (!isThere && process.env['CI'] === undefined) {
  process.stderr.write(`skipped: the official Python client needs ${python} (see .ci/run)\n`);
}

describeWithPostgres('the official Python client', () => {
  let postgres: TestPostgres;
  let gateway: GatewayProcess;
  let upstream: EverythingUpstream;

  beforeAll(async () => {
    postgres = await startPostgres();
    const databaseUrl = await postgres.createDatabase('python_client');
    gateway = await startGateway({ DATABASE_URL: databaseUrl, USE_STATEFUL_SESSIONS: 'true', WORKERS: '1' });
    upstream = await startEverythingUpstream();
    const { status } = await gateway.rest('POST', '/gateways', { name: 'everything', url: upstream.url });
    expect(status).toBeLessThan(300);
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  const common = {
    server: 'gatebench-gateway',
    structured: { celsius: 21.5 },
    completed: ['paris', 'park', 'party'],
    progress: [0, 50, 100],
    isError: true,
    read: expect.toSatisfy((count: number) => count > 0),
    templates: expect.toSatisfy((count: number) => count > 0),
    prompt: expect.toSatisfy((count: number) => count > 0),
  };
  const asked = {
    sampled: 'LLM response: sampled',
    elicited: expect.stringContaining('elicited'),
    roots: 'file:///one',
  };

  test.skipIf(!isThere && process.env['CI'] === undefined).each([
    ['auto', '/mcp', { ...common, version: '2026-07-28' }],
    ['session', '/mcp', { ...common, ...asked, version: '2025-11-25', logged: expect.arrayContaining(['fine']) }],
    ['sse', '/sse', { ...common, ...asked, version: '2025-11-25', logged: expect.arrayContaining(['fine']) }],
  ])('[MCP-PY-01] %s on %s', async (mode, path, expected) => {
    const token = createToken({ secret, subject: 'admin', expiresInMinutes: 5 });
    const { stdout } = await promisify(execFile)(python, [client, `${gateway.url}${path}`, token, mode], {
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toMatchObject(expected);
  });
});

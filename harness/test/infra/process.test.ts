import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import { startProcess, waitForListening } from '../../src/infra/process.ts';
import { stopByLadder } from '../../src/infra/stop-ladder.ts';
import { identifyProcess, isGroupAlive, isRunning } from '../../src/process-identity.ts';
import { nodeRequest, scratchFolder } from './processes.ts';

const forever = 'setInterval(() => {}, 1000);';
const listens = `console.log(JSON.stringify({ event: 'listening', url: 'http://x' }));`;
const { signal } = new AbortController();

describe('a process of the infrastructure', () => {
  it('is awaited by its listening line, which lies in its log', async () => {
    const folder = scratchFolder();
    await using started = await startProcess(nodeRequest(`console.log('hello'); ${listens} ${forever}`, folder));
    expect(await waitForListening(started, { deadlineMs: 5_000, signal })).toMatchObject({ url: 'http://x' });
    expect(readFileSync(started.logFile, 'utf8')).toContain('hello');
  });

  it('runs in a group of its own, and all of the group ends with it', async () => {
    const script = `require('child_process').spawn(process.execPath, ['-e', '${forever}']); ${listens} ${forever}`;
    const started = await startProcess(nodeRequest(script, scratchFolder()));
    await waitForListening(started, { deadlineMs: 5_000, signal });
    await sleep(100);
    expect(isGroupAlive(started.pid)).toBe(true);
    await started.stop();
    expect(isGroupAlive(started.pid)).toBe(false);
  });

  it('that ignores SIGTERM is killed after its deadline', async () => {
    const folder = scratchFolder();
    const request = nodeRequest(`process.on('SIGTERM', () => {}); ${listens} ${forever}`, folder);
    const started = await startProcess({
      ...request,
      ladder: [
        { signal: 'SIGTERM', to: 'group', deadlineMs: 200 },
        { signal: 'SIGKILL', to: 'group', deadlineMs: 2_000 },
      ],
    });
    await waitForListening(started, { deadlineMs: 5_000, signal });
    await started.stop();
    expect(started.ending()).toBe('signal SIGKILL');
  });

  it('that ends before it listens is told with the last lines of its log, but not those of an earlier process', async () => {
    const folder = scratchFolder();
    await using first = await startProcess(nodeRequest(`console.log('of the first'); ${listens} ${forever}`, folder));
    await waitForListening(first, { deadlineMs: 5_000, signal });
    await using second = await startProcess(nodeRequest(`console.error('no database'); process.exit(3)`, folder));
    const error = await waitForListening(second, { deadlineMs: 5_000, signal }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HarnessError);
    expect(String(error)).toMatch(/GATEWAY_FAILED.*exit code 3[\s\S]*no database/);
    expect(String(error)).not.toContain('of the first');
  });

  it('that never listens is told so after the deadline, and an abort ends the wait at once', async () => {
    await using started = await startProcess(nodeRequest(forever, scratchFolder()));
    await expect(waitForListening(started, { deadlineMs: 100, signal })).rejects.toThrow('within 100 ms');
    const aborted = AbortSignal.timeout(50);
    const waiting = waitForListening(started, { deadlineMs: 60_000, signal: aborted });
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('whose command is not there is a clear error', async () => {
    const folder = scratchFolder();
    const request = { ...nodeRequest('', folder), command: join(folder, 'missing') };
    await expect(startProcess(request)).rejects.toThrow(/GATEWAY_FAILED.*cannot be run.*ENOENT/);
  });

  it('is never mistaken for another one with the same pid', async () => {
    await using started = await startProcess(nodeRequest(forever, scratchFolder()));
    const identity = identifyProcess(started.pid);
    if (identity === undefined) throw new Error('the process is not in the process table');
    const stranger = { ...identity, startedAt: `${Number(identity.startedAt) - 1}` };
    expect(isRunning(stranger)).toBe(false);
    expect(await stopByLadder(stranger, [{ signal: 'SIGKILL', to: 'group', deadlineMs: 100 }])).toBeUndefined();
    expect(isRunning(identity)).toBe(true);
  });
});

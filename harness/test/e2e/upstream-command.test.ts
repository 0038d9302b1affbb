// `harness benchmark-servers` as a user types it, from the build, with a state folder of its own.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { repository } from '../../src/paths.ts';
import { identifyProcess } from '../../src/process-identity.ts';
import { parseServersOptions } from '../../src/upstream/options.ts';
import { startStack } from '../../src/upstream/stack.ts';

const bin = join(repository, 'harness/bin/harness.js');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatebench-servers-'));
});

afterEach(async () => {
  await run('down');
  rmSync(folder, { recursive: true, force: true });
});

function run(action: string, ...args: string[]) {
  const all = [bin, 'benchmark-servers', action, '--folder', folder, ...args];
  return execa(process.execPath, all, { reject: false, timeout: 30_000 });
}

function toState(): { pid: number; identity: string; servers: { url: string }[] } {
  return JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
}

test('up starts servers that outlive it, status asks them, logs shows what they wrote, down stops them', async () => {
  const up = await run('up', '--count', '2', '--start-port', '0', '--tools', '5');
  expect(up.exitCode, up.stderr).toBe(0);
  expect(up.stdout).toMatch(/benchmark_2 +http:\/\/127\.0\.0\.1:\d+\/mcp/);
  const { pid, servers } = toState();
  expect(await (await fetch(`${servers[0]?.url}/health`)).json()).toEqual({ status: 'healthy' });
  const status = await run('status');
  expect([status.exitCode, status.stdout.match(/healthy/g)?.length]).toEqual([0, 3]);
  expect((await run('logs')).stdout).toContain(`"pid":${pid}`);
  const again = await run('up');
  expect([again.exitCode, again.stderr]).toEqual([3, expect.stringMatching(/run already.*\n?.*down/s)]);
  const down = await run('down');
  expect([down.exitCode, down.stdout]).toEqual([0, expect.stringContaining(String(pid))]);
  expect(identifyProcess(pid)).toBeUndefined();
  expect(existsSync(join(folder, 'state.json'))).toBe(false);
  expect((await run('status')).exitCode).toBe(3);
  expect((await run('down')).exitCode).toBe(0);
});

test('logs --follow ends when the servers do', async () => {
  await run('up', '--count', '1', '--start-port', '0');
  const following = run('logs', '--follow');
  await run('down');
  const { exitCode, stdout } = await following;
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('"event":"listening"')]);
});

test('down leaves a process alone that only has the id of ours', async () => {
  await run('up', '--count', '1', '--start-port', '0');
  const state = toState();
  const file = join(folder, 'state.json');
  writeFileSync(file, JSON.stringify({ ...state, identity: 'another boot/1' }));
  expect((await run('down')).stdout).toMatch(/do not run/);
  expect(identifyProcess(state.pid)).toBeDefined();
  writeFileSync(file, JSON.stringify(state));
});

test('servers whose state cannot be written do not stay', async () => {
  const children = () =>
    execaSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='])
      .stdout.split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent, state]) => Number(parent) === process.pid && !state?.startsWith('Z'))
      .filter(([, , , ...command]) => command.join(' ').includes('upstream/main.js'))
      .map(([pid]) => Number(pid));
  onTestFinished(() => {
    for (const pid of children()) process.kill(pid, 'SIGKILL');
  });
  mkdirSync(join(folder, 'state.json.new'));
  const options = parseServersOptions({ count: 1, fastTime: false });
  await expect(startStack(folder, options)).rejects.toThrow(/EISDIR/);
  await vi.waitFor(() => expect(children()).toEqual([]), { timeout: 5000 });
});

test('a port in use is exit code 3, bad options and a broken state file are exit code 2, each without a stack trace', async () => {
  await run('up', '--count', '1', '--start-port', '0', '--no-fast-time');
  const port = new URL(toState().servers[0]?.url ?? '').port;
  const other = join(folder, 'other');
  const taken = await run('up', '--folder', other, '--count', '1', '--start-port', port);
  expect([taken.exitCode, taken.stderr]).toEqual([3, expect.stringMatching(new RegExp(`PORT_IN_USE.*${port}`))]);
  expect(existsSync(join(other, 'state.json'))).toBe(false);
  const bad = await run('up', '--folder', other, '--count', '5000', '--tools', '-1');
  expect([bad.exitCode, bad.stderr]).toEqual([2, expect.stringMatching(/count.*tools/s)]);
  await run('down');
  writeFileSync(join(folder, 'state.json'), '{');
  const broken = await run('status');
  expect([broken.exitCode, broken.stderr]).toEqual([2, expect.stringContaining('state.json')]);
  rmSync(join(folder, 'state.json'));
  for (const { stderr } of [taken, bad, broken]) expect(stderr).not.toMatch(/^\s+at /m);
});

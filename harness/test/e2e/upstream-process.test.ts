// The benchmark servers as the harness runs them: the built process, its one line, its exit codes.
import { once } from 'node:events';
import { execa } from 'execa';
import { Value } from 'typebox/value';
import { expect, test } from 'vitest';
import { builtFile } from '../../src/paths.ts';
import { ListeningEvent } from '../../src/upstream/servers.ts';

const main = builtFile('upstream/main.js');

function start(args: string[], env: Record<string, string> = {}) {
  return execa(process.execPath, [main, ...args], { env, reject: false, cleanup: true });
}

/** The first line. Not by iterating over the process: that waits for its end. */
async function toEvent(child: ReturnType<typeof start>): Promise<ListeningEvent> {
  const [line] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
  return Value.Parse(ListeningEvent, JSON.parse(String(line)));
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops it with exit code 0, within a second, open streams or not',
  async (signal) => {
    const child = start(['--count', '2']);
    const event = await toEvent(child);
    expect(event.pid).toBe(child.pid);
    expect(event.servers.map(({ name }) => name)).toEqual(['fast_time', 'benchmark_1', 'benchmark_2']);
    const stream = await fetch(`${event.servers[1]?.url}/sse`);
    const began = performance.now();
    child.kill(signal);
    expect((await child).exitCode).toBe(0);
    expect(performance.now() - began).toBeLessThan(1000);
    await stream.text();
  },
);

test('the counts of the command line and of the environment are kept, the command line first', async () => {
  const child = start(['--tools', '3', '--resources', '2', '--prompts', '1', '--no-fast-time'], {
    BENCHMARK_SERVER_COUNT: '3',
    BENCHMARK_START_PORT: '0',
  });
  const event = await toEvent(child);
  expect(event.servers).toHaveLength(3);
  const counts: unknown[] = [];
  for (const [method, key] of [
    ['tools/list', 'tools'],
    ['resources/list', 'resources'],
    ['prompts/list', 'prompts'],
  ] as const) {
    const response = await fetch(`${event.servers[2]?.url}/mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method }),
    });
    const { result } = (await response.json()) as { result: Record<string, unknown[]> };
    counts.push(result[key]?.length);
  }
  expect(counts).toEqual([3, 2, 1]);
  child.kill('SIGTERM');
  expect((await child).exitCode).toBe(0);
  const overridden = start(['--count', '1', '--no-fast-time'], { BENCHMARK_SERVER_COUNT: '3' });
  expect((await toEvent(overridden)).servers).toHaveLength(1);
  overridden.kill('SIGTERM');
  await overridden;
});

test('bad options end with exit code 2 and say what is wrong, without a stack trace', async () => {
  for (const [args, message] of [
    [['--count', 'x'], /whole number/],
    [['--count', '-1', '--tools', '99999'], /count.*tools/],
    [['--bogus'], /unknown option/],
    [['--start-port', '65535'], /the highest is 65535/],
  ] as const) {
    const { exitCode, stderr } = await start([...args]);
    expect(exitCode, args.join(' ')).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  }
});

test('a port in use ends with exit code 3 and names it', async () => {
  const first = start(['--count', '1', '--no-fast-time']);
  const port = new URL((await toEvent(first)).servers[0]?.url ?? '').port;
  const { exitCode, stderr, stdout } = await start(['--count', '1', '--no-fast-time', '--start-port', port]);
  expect([exitCode, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(new RegExp(`PORT_IN_USE: .*benchmark_1.*${port}`));
  first.kill('SIGTERM');
  await first;
});

test('a second signal does not wait for a call in flight', async () => {
  const child = start(['--count', '0']);
  const [server] = (await toEvent(child)).servers;
  const params = { name: 'delay', arguments: { delay_ms: 30_000 } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const headers = { 'Content-Type': 'application/json' };
  const inFlight = fetch(`${server?.url}/mcp`, { method: 'POST', headers, body }).catch((error: Error) => error);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const began = performance.now();
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGTERM');
  expect((await child).exitCode).toBe(130);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(await inFlight).toBeInstanceOf(Error);
});

// What goes wrong is counted as what it is, by both drivers in the same way.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { measureCeiling } from '../../src/load/ceiling.ts';
import type { Driver, LoadJob } from '../../src/load/driver.ts';
import { drivers } from '../../src/load/index.ts';
import { Turns } from '../../src/load/turns.ts';
import { answerCases, toRequest } from '../load/answers.ts';
import { createBench, isK6There, TOKEN } from '../load/load-parts.ts';

const signal = new AbortController().signal;
const k6There = await isK6There();
const open = { loop: 'open', ratePerSecond: 50 } as const;
const loops: [string, Driver, Partial<LoadJob>][] = [
  ['autocannon, closed loop', drivers.autocannon, { loop: 'closed' }],
  ['autocannon, open loop', drivers.autocannon, open],
  ...(k6There ? ([['k6, open loop', drivers.k6, open]] as [string, Driver, Partial<LoadJob>][]) : []),
];

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const plain = answerCases.find((answerCase) => answerCase.outcome === 'ok');
if (plain === undefined) throw new Error('no right answer in the list');
const plainRequest = toRequest(plain, 0);

describe.each(loops.slice(1))('%s', (_title, driver, loop) => {
  test('as many requests are sent as are due, whatever rate and length come to', async () => {
    const server = createServer((_request, response) => response.end(plain.body));
    const baseUrl = await listen(server);
    using bench = createBench([plainRequest]);
    // 17.5 by rate and length: the plan has made 17 requests for it.
    const result = await driver.run(bench.job({ ...loop, baseUrl, durationSeconds: 0.35, requests: 17 }), signal);
    server.closeAllConnections();
    server.close();
    expect(result).toMatchObject({ sent: 17, succeeded: 17, failed: 0 });
    const lines = readFileSync(join(bench.folder, 'trial.samples.csv'), 'utf8').trim().split('\n').slice(1);
    const sentMs = lines.map((line) => line.split(',').slice(1, 3).map(Number)).map(([due = 0, lag = 0]) => due + lag);
    expect(result.achievedRate).toBeCloseTo(17 / Math.max(17 / 50, Math.max(...sentMs) / 1000 + 1 / 50), 1);
  });
});

describe.each(loops)('%s', (_title, driver, loop) => {
  const seenTokens = new Set<string | undefined>();
  let url = '';
  // Writes each body in two pieces, cut within its bytes: characters must survive it.
  const answering = createServer((request, response) => {
    seenTokens.add(request.headers.authorization);
    request.resume().on('end', () => {
      const answerCase = answerCases[Number(request.url?.slice(1))] ?? plain;
      const bytes = Buffer.from(answerCase.body);
      const half = Math.floor(bytes.length / 2);
      response.writeHead(answerCase.status, { 'content-type': answerCase.contentType });
      response.write(bytes.subarray(0, half));
      setTimeout(() => response.end(bytes.subarray(half)), 5);
    });
  });
  beforeAll(async () => {
    url = await listen(answering);
  });
  afterAll(() => {
    answering.closeAllConnections();
    answering.close();
  });

  test('every kind of answer is counted as what it is, and the token reaches the target', async () => {
    using bench = createBench(answerCases.map(toRequest));
    const result = await driver.run(bench.job({ ...loop, baseUrl: url, durationSeconds: 30 }), signal);
    const expected = answerCases
      .filter(({ outcome }) => outcome !== 'ok')
      .map((c) => `${c.title}: ${c.outcome} ${c.detail}`);
    const seen = new Set(result.errors.map((error) => `${error.request}: ${error.kind} ${error.detail}`));
    expect([...seen].sort()).toEqual(expected.sort());
    expect(result.latency).toMatchObject({ count: result.succeeded, lost: 0 });
    expect([...seenTokens]).toContain(`Bearer ${TOKEN}`);
    expect(readFileSync(join(bench.folder, 'trial.samples.csv'), 'utf8').split('\n').length).toBe(result.sent + 2);
  });

  test('no token is in any file of the run', async () => {
    using bench = createBench([{ ...plainRequest, expect: { status: 204, jsonRpc: false, body: [] } }]);
    const echo = createServer((request, response) => {
      response.end(`you said ${request.headers.authorization}`);
    });
    const baseUrl = await listen(echo);
    const result = await driver.run(bench.job({ ...loop, baseUrl, requests: 5 }), signal);
    echo.closeAllConnections();
    echo.close();
    expect(result.errors[0]?.example).toContain('you said Bearer [token]');
    expect(JSON.stringify(result)).not.toContain(TOKEN);
    for (const name of readdirSync(bench.folder)) {
      expect(readFileSync(join(bench.folder, name), 'utf8'), name).not.toContain(TOKEN);
    }
  });

  test('a server that never answers makes time-outs, which are lost', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => socket.destroy()).resume());
    const baseUrl = await listen(silent);
    using bench = createBench([plainRequest]);
    const result = await driver.run(bench.job({ ...loop, baseUrl, requests: 4, timeoutMs: 300 }), signal);
    silent.close();
    expect(result.succeeded).toBe(0);
    expect(result.errors.map((error) => String(error.kind))).toEqual(['timeout']);
    expect(result.latency).toMatchObject({ count: 0, lost: result.sent });
  });

  test('a refused connection is counted as one', async () => {
    const closed = createTcpServer();
    const baseUrl = await listen(closed);
    closed.close();
    using bench = createBench([plainRequest]);
    const result = await driver.run(bench.job({ ...loop, baseUrl, requests: 6 }), signal);
    expect(result.sent).toBeGreaterThan(0);
    expect(new Set(result.errors.map((error) => String(error.kind)))).toEqual(new Set(['connection']));
    expect(result.latency.lost).toBe(result.sent);
  });

  test('a server that closes after every answer loses nothing', async () => {
    const closing = createServer((_request, response) => {
      response.writeHead(200, { connection: 'close', 'content-type': plain.contentType }).end(plain.body);
    });
    const baseUrl = await listen(closing);
    using bench = createBench([plainRequest]);
    const result = await driver.run(bench.job({ ...loop, baseUrl, requests: 20 }), signal);
    closing.close();
    expect(result).toMatchObject({ failed: 0, errors: [] });
    expect(result.connectionsOpened).toBeGreaterThanOrEqual(result.sent - 2);
  });

  test('an aborted load ends its process at once, and its command line has no token', async () => {
    using bench = createBench([plainRequest]);
    const controller = new AbortController();
    let pid = 0;
    const requests = loop.loop === 'open' ? 3000 : 1e9;
    const run = driver.run(bench.job({ ...loop, baseUrl: url, requests }), controller.signal, {
      onProcess: (started) => {
        pid = started;
      },
    });
    await sleep(1500);
    const commandLine = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
    if (process.platform === 'linux') expect(commandLine).not.toBe('');
    expect(commandLine).not.toContain(TOKEN);
    const abortedMs = Date.now();
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(Date.now() - abortedMs).toBeLessThan(3000);
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

test.skipIf(!k6There)('what k6 drops is failed and lost, and its schedule is then not known', async () => {
  const held = createServer((_request, response) => {
    setTimeout(() => response.end(plain.body), 4000);
  });
  const baseUrl = await listen(held);
  using bench = createBench([plainRequest]);
  const job = bench.job({ loop: 'open', ratePerSecond: 20, requests: 80, baseUrl, timeoutMs: 6000 });
  const result = await drivers.k6.run(job, signal);
  held.closeAllConnections();
  held.close();
  const dropped = result.errors.find((error) => String(error.kind) === 'dropped');
  expect(dropped?.count).toBeGreaterThan(20);
  expect(result.failed).toBe(dropped?.count);
  expect(result.latency.lost).toBe(dropped?.count);
  expect(result.sent + (dropped?.count ?? 0)).toBeGreaterThanOrEqual(79);
  expect(result.scheduleLagMs).toBeNull();
});

test.skipIf(!k6There)('k6 works in a folder within the run folder, which is gone when it has ended', async () => {
  const server = createServer((_request, response) => response.end(plain.body));
  const baseUrl = await listen(server);
  using bench = createBench([plainRequest]);
  let during: string[] = [];
  const onProcess = () => {
    during = readdirSync(bench.folder);
  };
  await drivers.k6.run(bench.job({ ...open, baseUrl, requests: 5 }), signal, { onProcess });
  server.closeAllConnections();
  server.close();
  expect(during).toContainEqual(expect.stringMatching(/^trial\.k6-/));
  expect(readdirSync(bench.folder).sort()).toEqual(['requests.json', 'trial.samples.csv']);
});

test('a target that speaks no HTTP is a connection fault for autocannon', async () => {
  const nonsense = createTcpServer((socket) =>
    socket.on('error', () => socket.destroy()).on('data', () => socket.write('what?\r\n\r\n')),
  );
  const baseUrl = await listen(nonsense);
  using bench = createBench([plainRequest]);
  const result = await drivers.autocannon.run(bench.job({ baseUrl, requests: 4 }), signal);
  nonsense.close();
  expect(result.errors.every((error) => error.detail.startsWith('not HTTP'))).toBe(true);
  expect(result).toMatchObject({ sent: 4, failed: 4 });
});

test('closed loops in turns never load at the same time, and count only their own turns', async () => {
  const inFlight = new Set<string>();
  const turnsSeen: string[] = [];
  let together = 0;
  const server = createServer((request, response) => {
    const side = String(request.headers['x-side']);
    if (turnsSeen.at(-1) !== side) turnsSeen.push(side);
    inFlight.add(side);
    if (inFlight.size > 1) together += 1;
    setTimeout(() => {
      response.on('close', () => inFlight.delete(side)).end(plain.body);
    }, 2);
  });
  const baseUrl = await listen(server);
  const turns = new Turns(2);
  const load = async (side: number) => {
    const headers = { ...plainRequest.headers, 'x-side': String(side) };
    using bench = createBench([{ ...plainRequest, headers }]);
    const limits = { durationSeconds: 5, requests: 1, minimumSeconds: 0.5, turnSeconds: 0.1, concurrency: 1 };
    try {
      return await drivers.autocannon.run(bench.job({ baseUrl, ...limits }), signal, {
        onReady: () => turns.next(side),
      });
    } finally {
      turns.leave(side);
    }
  };
  const startedAt = performance.now();
  const results = await Promise.all([load(0), load(1)]);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  server.close();
  expect(together).toBe(0);
  expect(turnsSeen.slice(0, 6)).toEqual(['0', '1', '0', '1', '0', '1']);
  const [first, second] = results.map((result) => result.durationSeconds);
  expect((first ?? Number.NaN) + (second ?? Number.NaN)).toBeLessThan(elapsedSeconds);
  for (const { durationSeconds, succeeded, failed, perSecond } of results) {
    expect(durationSeconds).toBeGreaterThanOrEqual(0.5);
    expect(failed).toBe(0);
    expect(perSecond.reduce((sum, second) => sum + second.succeeded, 0)).toBe(succeeded);
  }
});

test('a target that dies between two turns does not keep the load going', async () => {
  const server = createServer((_request, response) => response.end(plain.body));
  const baseUrl = await listen(server);
  using bench = createBench([plainRequest]);
  const limits = { durationSeconds: 5, requests: 1, minimumSeconds: 0.5, turnSeconds: 0.1, concurrency: 2 };
  let turns = 0;
  const run = drivers.autocannon.run(bench.job({ baseUrl, ...limits }), AbortSignal.timeout(10_000), {
    onReady: async () => {
      turns += 1;
      if (turns === 3) {
        server.close();
        server.closeAllConnections();
      }
    },
  });
  const result = await run;
  expect(new Set(result.errors.map((error) => String(error.kind)))).toEqual(new Set(['connection']));
  expect(turns).toBeLessThan(10);
  expect(result.durationSeconds).toBeGreaterThanOrEqual(0.5);
  expect(result.durationSeconds).toBeLessThan(1);
});

test('a load that nobody is ready for does not start, and says why', async () => {
  using bench = createBench([plainRequest]);
  const hooks = { onReady: () => Promise.reject(new Error('the counters cannot be read')) };
  const run = drivers.autocannon.run(bench.job({ baseUrl: 'http://127.0.0.1:9', requests: 1 }), signal, hooks);
  await expect(run).rejects.toThrow('the counters cannot be read');
});

test('a generator that cannot work is a failed load that says why', async () => {
  using bench = createBench([]);
  const run = drivers.autocannon.run(bench.job({ baseUrl: 'http://127.0.0.1:9', requests: 1 }), signal);
  await expect(run).rejects.toMatchObject({ code: 'LOAD_FAILED', exitCode: 3 });
  await expect(run).rejects.toThrow(/requests\.json/);
});

test('the ceiling is measured with answers of the size of the real one', async () => {
  using bench = createBench(answerCases.filter(({ outcome }) => outcome === 'ok').map(toRequest));
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: 'x'.repeat(2000) } });
  const ceiling = await measureCeiling(
    bench.job({ concurrency: 10, baseUrl: 'http://unused' }),
    body,
    { headers: { 'content-type': 'application/json' }, cpus: [], seconds: 1 },
    signal,
  );
  // How high it is depends on what else runs here; docs/load-generators.md has the figure.
  expect(ceiling.requestsPerSecond).toBeGreaterThan(100);
  expect(ceiling.responseBytes).toBeGreaterThanOrEqual(body.length);
  expect(ceiling.responseBytes).toBeLessThan(body.length + 200);
});

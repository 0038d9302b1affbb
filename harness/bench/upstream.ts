// Measures what the benchmark servers promise: throughput per server from one core, start, memory per further server.
// Writes docs/benchmark-servers.md: npm run build && node harness/dist/bench/upstream.js [rounds] [seconds]
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describeMachine, heading, row, writeMeasured } from '@gatebench/gateway/write-measured';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { builtFile } from '../src/paths.ts';
import { isPinned, type Measured, onCore, startMeasured } from './upstream-process.ts';

const [rounds = 3, seconds = 3] = process.argv.slice(2).map(Number);
const connections = 20;
const main = builtFile('upstream/main.js');
const bare = fileURLToPath(new URL('./upstream-bare.js', import.meta.url));
const autocannon = createRequire(import.meta.url).resolve('autocannon');

const Shot = Type.Object({
  requests: Type.Object({ total: Type.Number() }),
  duration: Type.Number(),
  latency: Type.Object({ p50: Type.Number(), p99: Type.Number() }),
  non2xx: Type.Number(),
  errors: Type.Number(),
});

interface Target {
  label: string;
  server: string;
  path: string;
  body?: string;
}

function call(label: string, server: string, name: string, args: unknown): Target {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } });
  return { label, server, path: '/mcp', body };
}

function toEntries(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    title: `meeting ${index}`,
    start: `2025-03-${String(10 + (index % 10))} ${String(8 + (index % 9)).padStart(2, '0')}:00`,
    end: `2025-03-${String(10 + (index % 10))} ${String(8 + (index % 9)).padStart(2, '0')}:45`,
    timezone: ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo'][index % 3],
    attendees: [`person ${index % 7}`, `person ${index % 11}`],
  }));
}

const berlinToTokyo = { time: '2025-01-10T10:00:00', source_timezone: 'Europe/Berlin', target_timezone: 'Asia/Tokyo' };
const targets: Target[] = [
  { label: 'bare node:http', server: 'bare', path: '/', body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' },
  { label: '/health', server: 'benchmark_1', path: '/health' },
  call('tools/call echo_1', 'benchmark_1', 'echo_1', { message: 'hello' }),
  call('tools/call convert_time', 'fast_time', 'convert_time', berlinToTokyo),
  call('tools/call analyze_schedule, 10 entries', 'fast_time', 'analyze_schedule', { entries: toEntries(10) }),
  call('tools/call analyze_schedule, 50 entries', 'fast_time', 'analyze_schedule', { entries: toEntries(50) }),
  call('tools/call echo_payload, 64 KiB', 'fast_time', 'echo_payload', { payload: 'x'.repeat(65_536) }),
  {
    label: 'tools/list, 50 tools',
    server: 'benchmark_1',
    path: '/mcp',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  },
];

interface Sample {
  rps: number;
  cpuMicros: number;
  p50Ms: number;
  p99Ms: number;
}

async function shoot(target: Target, process: Measured): Promise<Sample> {
  const server = process.event.servers.find(({ name }) => name === target.server);
  const args = [autocannon, '--json', '--no-progress', '-c', String(connections), '-d', String(seconds)];
  if (target.body !== undefined) args.push('-m', 'POST', '-H', 'Content-Type=application/json', '-b', target.body);
  const cpuBefore = process.cpuMs();
  const { stdout } = await promisify(execFile)(
    ...onCore(availableParallelism() - 1, [...args, server?.url + target.path]),
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const { requests, duration, latency, non2xx, errors } = Value.Parse(Shot, JSON.parse(stdout));
  if (non2xx + errors > 0) throw new Error(`${target.label}: ${non2xx} answers not 2xx, ${errors} errors`);
  const cpuMicros = ((process.cpuMs() - cpuBefore) * 1000) / requests.total;
  return { rps: requests.total / duration, cpuMicros, p50Ms: latency.p50, p99Ms: latency.p99 };
}

function toMedian(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function toWhole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Rounds are interleaved, so that a noisy moment of the machine meets every target alike. */
async function measureThroughput(): Promise<string[]> {
  const servers = await startMeasured([main, '--count', '1', '--start-port', '0']);
  const baseline = await startMeasured([bare]);
  const samples = new Map<Target, Sample[]>(targets.map((target) => [target, []]));
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const target of targets) {
        const sample = await shoot(target, target.server === 'bare' ? baseline : servers);
        // The first round warms up.
        if (round > 0) samples.get(target)?.push(sample);
      }
    }
  } finally {
    await servers.stop();
    await baseline.stop();
  }
  const median = (target: Target, key: keyof Sample) => toMedian((samples.get(target) ?? []).map((each) => each[key]));
  const lines = targets.map((target) => {
    const cpuMicros = median(target, 'cpuMicros');
    const ofBare = cpuMicros / median(targets[0] ?? target, 'cpuMicros');
    const latency = `${median(target, 'p50Ms')} / ${median(target, 'p99Ms')}`;
    const rates = [toWhole(median(target, 'rps')), cpuMicros.toFixed(1), toWhole(1e6 / cpuMicros)];
    return row(target.label, ...rates, ofBare.toFixed(2), latency);
  });
  const head = ['request', 'requests/s', 'CPU µs/request', 'requests per CPU second', 'CPU ÷ bare', 'p50 / p99 ms'];
  return [...heading(...head), ...lines];
}

async function measureStart(): Promise<string[]> {
  const lines = heading('servers (and fast time)', 'ready after ms, median', 'slowest');
  for (const count of [1, 10, 50]) {
    const readyMs: number[] = [];
    for (let round = 0; round < Math.max(rounds, 5); round++) {
      const servers = await startMeasured([main, '--count', String(count), '--start-port', '0']);
      readyMs.push(servers.readyMs);
      await servers.stop();
    }
    lines.push(row(count, toWhole(toMedian(readyMs)), toWhole(Math.max(...readyMs))));
  }
  return lines;
}

/** Memory after each server has served 200 listings and opened a session. */
async function measureMemory(): Promise<string[]> {
  const lines = heading('servers (and fast time)', 'RSS MB, idle', 'RSS MB, used', 'MB per further server');
  let one = 0;
  for (const count of [1, 11, 51]) {
    const servers = await startMeasured([main, '--count', String(count), '--start-port', '0']);
    const idle = servers.rssBytes();
    const initialize = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}';
    for (const { url } of servers.event.servers) {
      for (let index = 0; index < 200; index++) {
        const body = index === 0 ? initialize : '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
        const headers = { 'Content-Type': 'application/json' };
        await (await fetch(`${url}/mcp`, { method: 'POST', headers, body })).arrayBuffer();
      }
    }
    const used = servers.rssBytes();
    await servers.stop();
    if (count === 1) one = used;
    const each = count === 1 ? '' : ((used - one) / (count - 1) / 1e6).toFixed(2);
    lines.push(row(count, (idle / 1e6).toFixed(1), (used / 1e6).toFixed(1), each));
  }
  return lines;
}

const pinning = isPinned ? `servers on core 0, autocannon on core ${availableParallelism() - 1}` : 'not pinned';
const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
const conditions =
  `${describeMachine()}; ${pinning}; ${connections} connections, ` +
  `${rounds} interleaved rounds of ${seconds} s after one to warm up, medians; load average before: ${load}`;
const tables = [conditions, '', ...(await measureThroughput()), '', ...(await measureStart()), ''];
writeMeasured('docs/benchmark-servers.md', 'harness/bench/upstream.ts', [...tables, ...(await measureMemory())]);

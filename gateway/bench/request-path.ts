// What a request costs the gateway: the built gateway on a real PostgreSQL, alone on core 0; autocannon and a trivial
// upstream on core 1. CPU per request is the steadier figure; requests/s say little while others use the machine.
//   npx tsc -b && node gateway/dist/bench/request-path.js [requests per case, default 30000] [case name]
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type GatewayProcess, startGateway } from '../test/e2e/gateway-process.ts';
import { startPostgres } from '../test/postgres.ts';

const run = promisify(execFile);
const GATEWAY_CORE = '0';
const LOAD_CORE = '1';
const CONNECTIONS = 20;
/** USER_HZ, fixed on Linux: /proc/<pid>/stat counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

interface Case {
  name: string;
  path: string;
  message?: { method: string; params?: object };
  hasToken: boolean;
}

interface Measured {
  name: string;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuMicrosPerRequest: number;
  gatewayCpuPercent: number;
  failures: number;
}

interface AutocannonResult {
  requests: { total: number };
  latency: { p50: number; p99: number };
  duration: number;
  errors: number;
  non2xx: number;
}

const autocannon = createRequire(import.meta.url).resolve('autocannon');

async function startPinned(script: string, core: string) {
  const child = spawn('taskset', ['-c', core, process.execPath, script], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const stop = async () => {
      child.kill();
      await once(child, 'exit');
    };
    return { line, [Symbol.asyncDispose]: stop };
  }
  throw new Error(`${script} ended before it said where it listens`);
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in brackets and may hold blanks: proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function load(gateway: GatewayProcess, one: Case, amount: number): Promise<AutocannonResult> {
  const args = [
    '-c',
    LOAD_CORE,
    process.execPath,
    autocannon,
    '--json',
    '-c',
    String(CONNECTIONS),
    '-a',
    String(amount),
  ];
  if (one.hasToken) args.push('-H', `authorization=${gateway.headers['authorization']}`);
  if (one.message !== undefined) {
    args.push('-m', 'POST', '-H', 'content-type=application/json');
    args.push('-b', JSON.stringify({ jsonrpc: '2.0', id: 1, ...one.message }));
  }
  const { stdout } = await run('taskset', [...args, `${gateway.url}${one.path}`], { maxBuffer: 1e8 });
  return JSON.parse(stdout) as AutocannonResult;
}

async function measure(gateway: GatewayProcess, one: Case, amount: number): Promise<Measured> {
  // By count, not by time: on a busy machine two seconds of warm-up are too few calls for the compiler to act.
  await load(gateway, one, Math.ceil(amount / 2));
  const before = await cpuSeconds(gateway.pid);
  const result = await load(gateway, one, amount);
  const cpu = (await cpuSeconds(gateway.pid)) - before;
  const total = result.requests.total;
  return {
    name: one.name,
    requestsPerSecond: Math.round(total / result.duration),
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    cpuMicrosPerRequest: Math.round((cpu / total) * 1e6 * 10) / 10,
    gatewayCpuPercent: Math.round((cpu / result.duration) * 100),
    failures: result.errors + result.non2xx,
  };
}

const amount = Number(process.argv[2] ?? 30_000);
await using postgres = await startPostgres();
await using upstream = await startPinned(join(import.meta.dirname, 'trivial-upstream.js'), LOAD_CORE);
await using gateway = await startGateway({ DATABASE_URL: await postgres.createDatabase('bench'), LOG_LEVEL: 'warn' });
await run('taskset', ['-a', '-p', '-c', GATEWAY_CORE, String(gateway.pid)]);
const registered = await gateway.rest('POST', '/gateways', { name: 'trivial', url: upstream.line });
if (registered.status >= 300) throw new Error(`the upstream was not registered: ${JSON.stringify(registered.body)}`);
const tools = (await gateway.rest('GET', '/tools')).body as { id: string }[];
const server = await gateway.rest('POST', '/servers', { name: 'bench', associated_tools: tools.map(({ id }) => id) });
const serverId = (server.body as { id: string }).id;
const call = { method: 'tools/call', params: { name: 'trivial-tool-7', arguments: { time: '12:00' } } };
const cases: Case[] = [
  { name: 'health', path: '/health', hasToken: false },
  { name: 'rpc-ping', path: '/rpc', message: { method: 'ping' }, hasToken: true },
  { name: 'rpc-tools-list', path: '/rpc', message: { method: 'tools/list' }, hasToken: true },
  { name: 'rpc-tools-call', path: '/rpc', message: call, hasToken: true },
  { name: 'mcp-tools-call', path: `/servers/${serverId}/mcp`, message: call, hasToken: true },
];
const wanted = process.argv[3];
const rows: Measured[] = [];
for (const one of cases)
  if (wanted === undefined || one.name === wanted) rows.push(await measure(gateway, one, amount));
const headings = ['case', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'gateway CPU %', 'failures'];
const lines = [headings, ...rows.map((row) => Object.values(row).map(String))];
process.stdout.write(`${lines.map((cells) => cells.map((cell) => cell.padEnd(16)).join('')).join('\n')}\n`);

// What each switch costs a tools/call: two gateways that differ in that switch alone, measured in short blocks that take turns,
// CPU time per request as the figure. The gateways have core 0, load, upstream, collector and PostgreSQL core 1. Prints JSON.
//   npx tsc -b && node gateway/dist/bench/toggle-cost.js [--toggles ENABLE_METRICS,AUDIT_TRAIL_ENABLED] [--seconds 2] [--rounds 5]
import { execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, promisify } from 'node:util';
import { type GatewayProcess, startGateway } from '../test/e2e/gateway-process.ts';
import { startPostgres } from '../test/postgres.ts';
import { cpuSeconds } from './cpu.ts';
import type { LoadJob, LoadResult } from './http-load.ts';

const run = promisify(execFile);
const GATEWAY_CORE = '0';
const LOAD_CORE = '1';
const CONNECTIONS = 32;

/** What a switch is when its feature is on. */
const toggles: Record<string, string> = {
  CORRELATION_ID_ENABLED: 'true',
  DB_METRICS_RECORDING_ENABLED: 'true',
  PERFORMANCE_TRACKING_ENABLED: 'true',
  TOKEN_USAGE_LOGGING_ENABLED: 'true',
  ENABLE_METRICS: 'true',
  LAYER_TIMINGS_ENABLED: 'true',
  DISABLE_ACCESS_LOG: 'false',
  AUDIT_TRAIL_ENABLED: 'true',
  SECURITY_LOGGING_ENABLED: 'true',
  STRUCTURED_LOGGING_DATABASE_ENABLED: 'true',
  OBSERVABILITY_ENABLED: 'true',
};
const opposite: Record<string, string> = { true: 'false', false: 'true' };

const { values } = parseArgs({
  options: {
    toggles: { type: 'string', default: Object.keys(toggles).join(',') },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const wanted = values.toggles.split(',').map((name) => name.trim());
const unknown = wanted.filter((name) => !(name in toggles));
if (unknown.length > 0 || !(seconds > 0) || !(rounds > 0)) {
  process.stderr.write(`--toggles knows ${Object.keys(toggles).join(', ')}; --seconds and --rounds are above 0\n`);
  process.exit(2);
}

interface Arm {
  gateway: GatewayProcess;
  job: LoadJob;
}

await run('taskset', ['-a', '-p', '-c', LOAD_CORE, String(process.pid)]);
const generator = fork(join(import.meta.dirname, 'http-load.js'));

/** The gateway and its workers. */
async function processesOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [
    pid,
    ...children
      .split(' ')
      .filter((one) => one !== '')
      .map(Number),
  ];
}

async function cpuSecondsOf(gateway: GatewayProcess): Promise<number> {
  const all = await Promise.all((await processesOf(gateway.pid)).map(cpuSeconds));
  return all.reduce((sum, one) => sum + one, 0);
}

async function cpuMicrosPerRequest({ gateway, job }: Arm, forSeconds: number): Promise<number> {
  const before = await cpuSecondsOf(gateway);
  generator.send({ ...job, seconds: forSeconds });
  const [{ result, error }] = (await once(generator, 'message')) as [{ result?: LoadResult; error?: string }];
  if (result === undefined || result.wrong > 0) throw new Error(`the load failed: ${error ?? result?.firstWrong}`);
  return (((await cpuSecondsOf(gateway)) - before) / result.requests) * 1e6;
}

async function startArm(environment: Record<string, string>, upstreamUrl: string): Promise<Arm> {
  const gateway = await startGateway({ WORKERS: '1', SSRF_ALLOW_LOCALHOST: 'true', ...environment });
  for (const pid of await processesOf(gateway.pid)) {
    await run('taskset', ['-a', '-p', '-c', GATEWAY_CORE, String(pid)]);
  }
  const { status, body } = await gateway.rest('POST', '/gateways', { name: 'echo', url: upstreamUrl });
  if (status >= 300) throw new Error(`the upstream was not registered: ${JSON.stringify(body)}`);
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  return {
    gateway,
    job: {
      port: Number(new URL(gateway.url).port),
      connections: CONNECTIONS,
      seconds,
      method: 'POST',
      path: '/mcp',
      headers: { ...headers, ...gateway.headers },
      body: '{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{"name":"echo-tool-7","arguments":{"text":"text {id}"}}}',
      expected: '{"jsonrpc":"2.0","id":{id},"result":{"content":[{"type":"text","text":"text {id}"}],"isError":false}}',
    },
  };
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}

const round1 = (value: number) => Math.round(value * 10) / 10;

const collector = createServer((request, response) => {
  request.resume().on('end', () => response.end('{}'));
}).listen(0, '127.0.0.1');
await once(collector, 'listening');
const upstream = spawn(process.execPath, [join(import.meta.dirname, 'echo-upstream.js')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  await using postgres = await startPostgres();
  const [upstreamUrl] = (await once(createInterface({ input: upstream.stdout }), 'line')) as [string];
  const rows: object[] = [];
  for (const [at, toggle] of wanted.entries()) {
    const on = toggles[toggle] ?? 'true';
    const start = async (value: string, name: string) =>
      startArm(
        {
          LOG_LEVEL: toggle === 'DISABLE_ACCESS_LOG' ? 'info' : 'warn',
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
          DATABASE_URL: await postgres.createDatabase(`bench_${at}_${name}`),
          [toggle]: value,
        },
        upstreamUrl,
      );
    const arms = { off: await start(opposite[on] ?? 'false', 'off'), on: await start(on, 'on') };
    try {
      for (const arm of [arms.off, arms.on]) await cpuMicrosPerRequest(arm, Math.max(2, seconds));
      const pairs: { off: number; on: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        // Which one begins alternates: what drifts hits both.
        const isOffFirst = round % 2 === 0;
        const first = await cpuMicrosPerRequest(isOffFirst ? arms.off : arms.on, seconds);
        const second = await cpuMicrosPerRequest(isOffFirst ? arms.on : arms.off, seconds);
        pairs.push(isOffFirst ? { off: first, on: second } : { off: second, on: first });
      }
      rows.push({
        toggle,
        on: `${toggle}=${on}`,
        offCpuUsPerRequest: round1(median(pairs.map(({ off }) => off))),
        onCpuUsPerRequest: round1(median(pairs.map((pair) => pair.on))),
        costCpuUsPerRequest: round1(median(pairs.map((pair) => pair.on - pair.off))),
        pairs: pairs.map((pair) => ({ off: round1(pair.off), on: round1(pair.on) })),
      });
    } finally {
      await Promise.all([arms.off.gateway.stop(), arms.on.gateway.stop()]);
    }
  }
  process.stdout.write(`${JSON.stringify({ connections: CONNECTIONS, seconds, rounds, toggles: rows }, null, 2)}\n`);
} finally {
  generator.kill();
  upstream.kill();
  collector.close();
  collector.closeAllConnections();
}

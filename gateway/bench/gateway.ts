// `npm run bench:gateway`: what a request costs the gateway, beside the floor (a plain node:http proxy through undici, a server
// that answers bytes it holds, a bare Fastify) and, on request, ContextForge. The arm that is measured has core 0 for itself;
// load, upstream and PostgreSQL share core 1. The arms take turns in short blocks: ratios come from pairs of neighbours.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type GatewayProcess, startGateway } from '../test/e2e/gateway-process.ts';
import { startPostgres } from '../test/postgres.ts';
import { startContextForge } from './contextforge.ts';
import { busyPercent, coreTime, cpuSeconds, rssBytes } from './cpu.ts';
import { type CaseResult, type Figures, toPage, toText } from './gateway-page.ts';
import type { LoadJob, LoadResult } from './http-load.ts';
import { LOAD_CORE, median, moveToCore, SUBJECT_CORE, startLoad, startPrinting } from './rig.ts';
import { measureTwoWorkers } from './two-workers.ts';
import { describeMachine, writeMeasured } from './write-measured.ts';

/** A block counts when its subject had all of its core, and the load was not the limit. */
const SUBJECT_BUSY_PERCENT = 95;
const LOAD_BUSY_PERCENT = 85;

interface Arm {
  pid: number;
  job: LoadJob;
}

interface Case {
  name: string;
  gateway: Arm;
  floor: Arm;
  /** Whether the subject's core is meant to be the limit. */
  isSaturating: boolean;
}

interface Block extends LoadResult {
  cpuUsPerRequest: number;
  subjectBusyPercent: number;
  loadBusyPercent: number;
  rssBytes: number;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '2' },
    case: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    contextforge: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(
    `usage: npm run bench:gateway -- [--json] [--write] [--set NAME=VALUE] [--rounds 8] [--seconds 2] [--case NAME] [--contextforge VENV]
  --set           a setting of the gateway, as often as needed: --set PERFORMANCE_TRACKING_ENABLED=false
  --write         put the table into docs/performance.md (all cases, default settings)
  --rounds        pairs of blocks per case          --seconds  length of a block
  --contextforge  a Python environment with \`pip install mcp-contextforge-gateway\`, measured in the same run
Example: npm run bench:gateway -- --case tools-call-32 --rounds 4\n`,
  );
  process.exit(0);
}
if (options.write && (options.set.length > 0 || options.case !== undefined)) {
  process.stderr.write('--write takes all cases with the default settings: leave out --set and --case\n');
  process.exit(2);
}
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

await moveToCore(LOAD_CORE, process.pid);
const load = startLoad();

async function measureBlock({ pid, job }: Arm): Promise<Block> {
  const [cpuBefore, subjectBefore, loadBefore] = [
    await cpuSeconds(pid),
    await coreTime(SUBJECT_CORE),
    await coreTime(LOAD_CORE),
  ];
  const result = await load(job);
  return {
    ...result,
    cpuUsPerRequest: (((await cpuSeconds(pid)) - cpuBefore) / result.requests) * 1e6,
    subjectBusyPercent: busyPercent(subjectBefore, await coreTime(SUBJECT_CORE)),
    loadBusyPercent: busyPercent(loadBefore, await coreTime(LOAD_CORE)),
    rssBytes: await rssBytes(pid),
  };
}

function toFigures(blocks: Block[]): Figures {
  return {
    rps: Math.round(median(blocks.map((block) => block.requests / block.seconds))),
    p50Ms: median(blocks.map((block) => block.p50Ms)),
    p99Ms: median(blocks.map((block) => block.p99Ms)),
    cpuUsPerRequest: median(blocks.map((block) => block.cpuUsPerRequest)),
    rssBytes: Math.max(...blocks.map((block) => block.rssBytes)),
  };
}

const isValid = (block: Block) =>
  block.subjectBusyPercent >= SUBJECT_BUSY_PERCENT && block.loadBusyPercent <= LOAD_BUSY_PERCENT;

async function measureCase(one: Case, database: pg.Client): Promise<CaseResult> {
  const warm = (arm: Arm) => load({ ...arm.job, seconds: Math.max(2, seconds) });
  await warm(one.gateway);
  await warm(one.floor);
  const pairs: { gateway: Block; floor: Block }[] = [];
  let queries = 0;
  for (let round = 0; round < rounds; round += 1) {
    const before = await transactions(database);
    // Which arm begins alternates: what drifts hits both.
    const first = round % 2 === 0 ? one.gateway : one.floor;
    const a = await measureBlock(first);
    const b = await measureBlock(first === one.gateway ? one.floor : one.gateway);
    queries += (await transactions(database)) - before;
    pairs.push(first === one.gateway ? { gateway: a, floor: b } : { gateway: b, floor: a });
  }
  const valid = one.isSaturating ? pairs.filter((pair) => isValid(pair.gateway) && isValid(pair.floor)) : pairs;
  // Without a valid pair all are shown, and `validPairs` 0 says what they are worth.
  const counted = valid.length > 0 ? valid : pairs;
  const ratio = (of: (block: Block) => number) => median(counted.map((pair) => of(pair.gateway) / of(pair.floor)));
  return {
    name: one.name,
    gateway: toFigures(counted.map((pair) => pair.gateway)),
    floor: toFigures(counted.map((pair) => pair.floor)),
    throughputRatio: ratio((block) => block.requests / block.seconds),
    p99Ratio: ratio((block) => block.p99Ms),
    cpuRatio: ratio((block) => block.cpuUsPerRequest),
    p50DifferenceMs: median(counted.map((pair) => pair.gateway.p50Ms - pair.floor.p50Ms)),
    queriesPerRequest: queries / pairs.reduce((sum, pair) => sum + pair.gateway.requests, 0),
    pairs: pairs.length,
    validPairs: valid.length,
  };
}

/** All that the gateway's database was asked, in transactions; the two of asking are taken off. */
async function transactions(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ sum: string }>(
    "select xact_commit + xact_rollback as sum from pg_stat_database where datname = 'bench'",
  );
  return Number(rows[0]?.sum ?? 0);
}

const moveToSubjectCore = (pid: number) => moveToCore(SUBJECT_CORE, pid);

/** From the start of the process to the line that says it listens, on a migrated database. */
async function startSeconds(environment: Record<string, string>): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 3; at += 1) {
    const startedAt = performance.now();
    await using _ = await startGateway(environment);
    times.push((performance.now() - startedAt) / 1000);
  }
  return median(times);
}

/** What the collector found between its runs (`--trace-gc`: `12.3 (14.5) -> 4.5 (14.5) MB`), per request. */
async function allocatedBytesPerRequest(environment: Record<string, string>, toJob: (one: GatewayProcess) => LoadJob) {
  await using gateway = await startGateway(environment, ['--trace-gc']);
  await moveToSubjectCore(gateway.pid);
  await load({ ...toJob(gateway), seconds: 2 });
  const before = gateway.output().length;
  const { requests } = await load({ ...toJob(gateway), seconds: 3 });
  const sizes = [
    ...gateway
      .output()
      .slice(before)
      .matchAll(/(\d+\.\d) \(\d+\.\d\) -> (\d+\.\d) \(/g),
  ];
  let megabytes = 0;
  for (let at = 1; at < sizes.length; at += 1) megabytes += Number(sizes[at]?.[1]) - Number(sizes[at - 1]?.[2]);
  return (megabytes * 1e6) / requests;
}

const portOf = (url: string) => Number(new URL(url).port);
const jsonHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

const folder = await mkdtemp(join(tmpdir(), 'gatebench-bench-'));
try {
  await using postgres = await startPostgres();
  await using upstream = await startPrinting('echo-upstream.js');
  const settings = Object.fromEntries(options.set.map((pair) => pair.split(/=(.*)/s, 2)));
  const environment = {
    ...settings,
    DATABASE_URL: await postgres.createDatabase('bench'),
    LOG_LEVEL: 'warn',
  };
  await using gateway = await startGateway(environment);
  await moveToSubjectCore(gateway.pid);
  const registered = await gateway.rest('POST', '/gateways', { name: 'echo', url: upstream.line });
  if (registered.status >= 300) throw new Error(`the upstream was not registered: ${JSON.stringify(registered.body)}`);
  const tools = (await gateway.rest('GET', '/tools?limit=100')).body as { id: string }[];
  const made = await gateway.rest('POST', '/servers', { name: 'bench', associated_tools: tools.map(({ id }) => id) });
  const mcpPath = `/servers/${(made.body as { id: string }).id}/mcp`;

  const jobOf = (url: string, connections: number, job: Partial<LoadJob>): LoadJob => ({
    port: portOf(url),
    connections,
    seconds,
    method: 'POST',
    path: '/',
    headers: { ...jsonHeaders, ...gateway.headers },
    body: '',
    expected: '',
    ...job,
  });
  const call = (name: string) => ({
    body: `{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{"name":"${name}","arguments":{"text":"text {id}"}}}`,
    expected: '{"jsonrpc":"2.0","id":{id},"result":{"content":[{"type":"text","text":"text {id}"}],"isError":false}}',
  });
  const list = { body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', path: mcpPath };
  const listed = await fetch(`${gateway.url}${mcpPath}`, {
    method: 'POST',
    headers: { ...jsonHeaders, ...gateway.headers },
    body: list.body,
  });
  const listText = await listed.text();
  const count = (JSON.parse(listText) as { result: { tools: unknown[] } }).result.tools.length;
  if (count !== 50) throw new Error(`tools/list must have 50 tools, got ${count}`);
  const file = join(folder, 'list.json');
  await writeFile(file, listText);
  await using floor = await startPrinting('floor.js', [upstream.line, file]);
  await moveToSubjectCore(floor.pid);
  const floorPorts = JSON.parse(floor.line) as { proxy: number; bytes: number; fastify: number };
  const floorUrl = (port: number) => `http://127.0.0.1:${port}`;

  const callCase = (name: string, path: string, connections: number): Case => ({
    name,
    isSaturating: connections > 1,
    gateway: { pid: gateway.pid, job: jobOf(gateway.url, connections, { path, ...call('echo-tool-7') }) },
    floor: { pid: floor.pid, job: jobOf(floorUrl(floorPorts.proxy), connections, { path, ...call('tool_7') }) },
  });
  const health = { method: 'GET', path: '/health', headers: {}, expected: '{"status":"healthy"}' } as const;
  const cases: Case[] = [
    callCase('tools-call-32', mcpPath, 32),
    callCase('tools-call-1', mcpPath, 1),
    callCase('rpc-tools-call-32', '/rpc', 32),
    {
      name: 'tools-list-50',
      isSaturating: true,
      gateway: { pid: gateway.pid, job: jobOf(gateway.url, 32, { ...list, expected: listText }) },
      floor: { pid: floor.pid, job: jobOf(floorUrl(floorPorts.bytes), 32, { ...list, expected: listText }) },
    },
    {
      name: 'health',
      isSaturating: true,
      gateway: { pid: gateway.pid, job: jobOf(gateway.url, 32, health) },
      floor: { pid: floor.pid, job: jobOf(floorUrl(floorPorts.fastify), 32, health) },
    },
  ];
  const wanted = cases.filter(({ name }) => options.case === undefined || name === options.case);
  if (wanted.length === 0) {
    throw new Error(`--case must be one of ${cases.map(({ name }) => name).join(', ')}, got ${options.case}`);
  }

  const database = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' });
  await database.connect();
  const results: CaseResult[] = [];
  for (const one of wanted) {
    process.stderr.write(`${one.name} …\n`);
    results.push(await measureCase(one, database));
  }
  await database.end();

  const summary = {
    machine: { node: process.version, rounds, secondsPerBlock: seconds },
    startSeconds: await startSeconds(environment),
    allocatedBytesPerRequest: await allocatedBytesPerRequest(environment, (one) =>
      jobOf(one.url, 32, { path: mcpPath, ...call('echo-tool-7') }),
    ),
    twoWorkers: options.case === undefined ? await compareWorkers() : undefined,
    contextForge:
      options.contextforge === undefined
        ? undefined
        : await measureContextForge(options.contextforge, results[0], async (other) => {
            await moveToSubjectCore(other.pid);
            const job = { path: other.path, headers: { ...jsonHeaders, ...other.headers }, ...call('echo-tool-7') };
            const arm = { pid: other.pid, job: { ...jobOf(other.url, 32, job), expected: other.expected } };
            await load({ ...arm.job, seconds: 3 });
            return measureBlock({ ...arm, job: { ...arm.job, seconds: Math.max(5, seconds) } });
          }),
    cases: results,
  };
  if (options.write) {
    const how =
      `\`npm run bench:gateway\`, ${describeMachine()}; ${rounds} pairs of ${seconds} s, medians; gateway / floor. A pair is valid when its ` +
      `subject had at least ${SUBJECT_BUSY_PERCENT} % of its core and the load at most ${LOAD_BUSY_PERCENT} % of the other.`;
    writeMeasured('docs/performance.md', 'gateway/bench/gateway.ts', [how, '', ...toPage(summary)]);
  }
  process.stdout.write(options.json ? `${JSON.stringify(summary, null, 2)}\n` : toText(summary));

  async function compareWorkers() {
    await using one = await startGateway({ ...environment, WORKERS: '1', MAX_REQUESTS: '0' });
    await using two = await startGateway({ ...environment, WORKERS: '2', MAX_REQUESTS: '0' });
    const arm = (of: GatewayProcess) => ({
      gateway: of,
      job: jobOf(of.url, 32, { path: mcpPath, ...call('echo-tool-7') }),
    });
    // Awaited here: the gateways end with this function.
    return await measureTwoWorkers(arm(one), arm(two), load, rounds);
  }

  async function measureContextForge(
    environmentFolder: string,
    own: CaseResult | undefined,
    measure: (other: Awaited<ReturnType<typeof startContextForge>>) => Promise<Block>,
  ) {
    await using other = await startContextForge(environmentFolder, folder, upstream.line);
    const block = await measure(other);
    const rps = block.requests / block.seconds;
    return { version: other.version, rps, p50Ms: block.p50Ms, timesFaster: (own?.gateway.rps ?? 0) / rps };
  }
} finally {
  load[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true });
}

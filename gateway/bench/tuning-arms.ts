// The two gateways of a row, off and on, each on a copy of one database in which the upstream is registered already.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { type GatewayProcess, startGateway } from '../test/e2e/gateway-process.ts';
import type { TestPostgres } from '../test/postgres.ts';
import { cpuSeconds } from './cpu.ts';
import type { LoadJob } from './http-load.ts';
import { LOAD_CORE, moveToCore, SUBJECT_CORE } from './rig.ts';
import type { RequestName, TuningRow } from './tuning-rows.ts';

const CONNECTIONS = 32;
const TEMPLATE = 'tuning';

export interface Arm {
  gateway: GatewayProcess;
  job: LoadJob;
  /** Of the gateway and its workers. */
  cpuSeconds(): Promise<number>;
  /** Stops the gateway; answers the transactions that its database has seen since it was copied. */
  stop(): Promise<number>;
}

export interface Bed extends AsyncDisposable {
  startArms(row: TuningRow, seconds: number): Promise<{ off: Arm; on: Arm }>;
  createDatabase(name: string): Promise<string>;
}

/** Takes traces and throws them away. */
export async function startCollector() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface BedParts {
  postgres: TestPostgres;
  upstreamUrl: string;
  collectorUrl: string;
  redisUrl: string | undefined;
}

export async function makeBed({ postgres, upstreamUrl, collectorUrl, redisUrl }: BedParts): Promise<Bed> {
  const admin = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' });
  await admin.connect();
  const environment = { LOG_LEVEL: 'warn', OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl };
  const serverId = await fillTemplate(await postgres.createDatabase(TEMPLATE), upstreamUrl);

  async function startArm(name: string, row: TuningRow, settings: Record<string, string>, seconds: number) {
    const gateway = await startGateway({
      ...environment,
      ...row.base,
      ...settings,
      ...(settings['CACHE_TYPE'] === 'redis' && redisUrl !== undefined ? { REDIS_URL: redisUrl } : {}),
      DATABASE_URL: `postgresql://postgres@127.0.0.1:${postgres.port}/${name}`,
    });
    for (const pid of await processesOf(gateway.pid)) {
      await moveToCore(row.isUnpinned === true ? `${SUBJECT_CORE},${LOAD_CORE}` : SUBJECT_CORE, pid);
    }
    const arm: Arm = {
      gateway,
      job: toJob(gateway, row, serverId, settings, seconds),
      async cpuSeconds() {
        const all = await Promise.all((await processesOf(gateway.pid)).map(cpuSeconds));
        return all.reduce((sum, one) => sum + one, 0);
      },
      async stop() {
        await gateway.stop();
        // A connection that has ended has told its counts.
        const { rows } = await admin.query<{ sum: string }>(
          'select xact_commit + xact_rollback as sum from pg_stat_database where datname = $1',
          [name],
        );
        return Number(rows[0]?.sum ?? 0);
      },
    };
    return arm;
  }

  let started = 0;
  return {
    createDatabase: (name) => postgres.createDatabase(name),
    async startArms(row, seconds) {
      started += 1;
      const name = `row_${started}`;
      // One after the other: PostgreSQL copies a database for one at a time.
      for (const side of ['off', 'on']) await admin.query(`create database ${name}_${side} template ${TEMPLATE}`);
      const start = (side: 'off' | 'on') => startArm(`${name}_${side}`, row, toEnvironment(row[side]), seconds);
      const [off, on] = await Promise.allSettled([start('off'), start('on')]);
      if (off.status === 'fulfilled' && on.status === 'fulfilled') return { off: off.value, on: on.value };
      for (const one of [off, on]) if (one.status === 'fulfilled') await one.value.stop();
      throw off.status === 'rejected' ? off.reason : on.status === 'rejected' ? on.reason : undefined;
    },
    [Symbol.asyncDispose]: () => admin.end(),
  };
}

function toEnvironment(settings: TuningRow['off']): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** @returns the id of a virtual server with all 50 tools */
async function fillTemplate(databaseUrl: string, upstreamUrl: string): Promise<string> {
  await using gateway = await startGateway({ DATABASE_URL: databaseUrl, LOG_LEVEL: 'warn' });
  const { status, body } = await gateway.rest('POST', '/gateways', { name: 'echo', url: upstreamUrl });
  if (status >= 300) throw new Error(`the upstream was not registered: ${JSON.stringify(body)}`);
  const tools = (await gateway.rest('GET', '/tools?limit=100')).body as { id: string }[];
  if (tools.length !== 50) throw new Error(`there must be 50 tools, got ${tools.length}`);
  const made = await gateway.rest('POST', '/servers', { name: 'bench', associated_tools: tools.map(({ id }) => id) });
  return (made.body as { id: string }).id;
}

async function processesOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.split(' ').flatMap((one) => (one === '' ? [] : [Number(one)]))];
}

function toJob(
  gateway: GatewayProcess,
  row: TuningRow,
  serverId: string,
  settings: Record<string, string>,
  seconds: number,
): LoadJob {
  const rpc = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const isRefused = row.request === 'refused token';
  const token = isRefused ? { authorization: `${gateway.headers['authorization']}x` } : gateway.headers;
  const list = '{"jsonrpc":"2.0","id":{id},"method":"tools/list"}';
  const get = (path: string) => ({ method: 'GET', path, body: '', expected: undefined }) as const;
  const requests: Record<RequestName, Pick<LoadJob, 'method' | 'path' | 'body' | 'expected'>> = {
    'tools/call': {
      method: 'POST',
      path: '/mcp',
      body: '{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{"name":"echo-tool-7","arguments":{"text":"text {id}"}}}',
      expected:
        settings['JSON_RESPONSE_ENABLED'] === 'false'
          ? undefined
          : '{"jsonrpc":"2.0","id":{id},"result":{"content":[{"type":"text","text":"text {id}"}],"isError":false}}',
    },
    'tools/list': { method: 'POST', path: '/mcp', body: list, expected: undefined },
    'tools/list by virtual server': {
      method: 'POST',
      path: `/servers/${serverId}/mcp`,
      body: list,
      expected: undefined,
    },
    'GET /tools': get('/tools'),
    'GET /openapi.json': get('/openapi.json'),
    'GET /admin/metrics': get('/admin/metrics'),
    'GET /admin/performance': get('/admin/performance'),
    'GET /admin/stats': get('/admin/stats'),
    'refused token': get('/tools'),
  };
  const request = requests[row.request];
  return {
    port: Number(new URL(gateway.url).port),
    connections: row.connections ?? CONNECTIONS,
    seconds,
    headers: { ...(request.method === 'POST' ? rpc : {}), ...token, ...row.headers },
    ...(isRefused ? { status: 401 } : {}),
    ...request,
  };
}

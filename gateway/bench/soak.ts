// Load of every kind for a long time, and whether anything grows: memory after collection, handles, descriptors, connections of
// the database, sessions.  npx tsc -b && node gateway/dist/bench/soak.js [minutes, default 60]
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { Agent, request } from 'undici';
import { type GatewayProcess, startGateway } from '../test/e2e/gateway-process.ts';
import type { MemorySample } from './memory-probe.ts';

export interface SoakSample {
  atSeconds: number;
  requests: number;
  heapUsedBytes: number;
  rssBytes: number;
  handles: number;
  descriptors: number;
  databaseConnections: number;
}

export interface SoakResult {
  minutes: number;
  requests: number;
  /** Answers that were not what they should be; the first one seen. */
  failures: number;
  firstFailure: string | undefined;
  /** Under load, for the course of it. */
  samples: SoakSample[];
  /** Without load: after the warm-up, and at the end. */
  quiet: SoakSample[];
}

/** What is measured, and by how much it may differ between two quiet moments: after the warm-up, and at the end. */
const bounds = {
  // A leak of 100 bytes per request is 12 MB after five minutes of 400/s; what code and caches still take is below this.
  heapUsedBytes: 1.5e6,
  handles: 3,
  descriptors: 3,
  databaseConnections: 3,
} as const;

const SAMPLE_EVERY_MS = 5_000;
const WARM_UP_SHARE = 0.5;
/** Without load for so long, abandoned sessions are over and idle connections closed: what is left is what was not let go. */
const QUIET_MS = 12_000;
/** Each does one thing after another. At a fixed pace: what is alive at a time (sessions that wait for their end) grows with it. */
const LOOPS = 8;
const PACE_MS = 40;

export async function soak(databaseUrl: string, upstreamUrl: string, minutes: number): Promise<SoakResult> {
  const probe = pathToFileURL(
    join(import.meta.dirname.replace(/\/bench$/, '/dist/bench').replace('/dist/dist', '/dist'), 'memory-probe.js'),
  );
  await using gateway = await startGateway(
    // Short lives, so that what is left over by abandoned sessions would show within the run.
    {
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: 'fatal',
      USE_STATEFUL_SESSIONS: 'true',
      SESSION_TTL: '3',
      MESSAGE_TTL: '3',
    },
    ['--expose-gc', `--import=${probe.href}`],
  );
  const registered = await gateway.rest('POST', '/gateways', { name: 'echo', url: upstreamUrl });
  if (registered.status >= 300) throw new Error(`the upstream was not registered: ${JSON.stringify(registered.body)}`);
  const database = new pg.Client(databaseUrl);
  await database.connect();
  const client = new Agent({ connections: LOOPS, keepAliveTimeout: 5_000 });
  const result: SoakResult = { minutes, requests: 0, failures: 0, firstFailure: undefined, samples: [], quiet: [] };
  try {
    const startedAt = performance.now();
    const use = createUses(gateway, client, result);
    const sampleNow = () => sample(gateway, database, startedAt, result.requests);
    for (const share of [WARM_UP_SHARE, 1 - WARM_UP_SHARE]) {
      const endsAt = performance.now() + share * minutes * 60_000;
      const loops = Array.from({ length: LOOPS }, async (_, loop) => {
        for (let round = loop; performance.now() < endsAt; round += 1) {
          const nextAt = performance.now() + PACE_MS;
          await use[round % use.length]?.();
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextAt - performance.now())));
        }
      });
      const sampling = (async () => {
        while (performance.now() < endsAt) {
          await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
          result.samples.push(await sampleNow());
        }
      })();
      await Promise.all([...loops, sampling]);
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      result.quiet.push(await sampleNow());
    }
  } finally {
    await client.destroy();
    await database.end();
  }
  return result;
}

/** What has grown beyond its bound, one line each; empty: nothing. */
export function growthOf({ quiet: [first, last] }: SoakResult): string[] {
  if (first === undefined || last === undefined) throw new Error('the soak did not get to its two quiet moments');
  return (Object.keys(bounds) as (keyof typeof bounds)[]).flatMap((name) => {
    const growth = last[name] - first[name];
    return growth > bounds[name] ? [`${name} grew by ${growth}, more than ${bounds[name]}`] : [];
  });
}

type Use = () => Promise<void>;

function createUses(gateway: GatewayProcess, client: Agent, result: SoakResult): Use[] {
  let lastId = 0;
  const headers = {
    ...gateway.headers,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  function failed(what: string): void {
    result.failures += 1;
    result.firstFailure ??= what;
  }
  async function post(path: string, body: object, more: Record<string, string> = {}) {
    result.requests += 1;
    const answer = await request(`${gateway.url}${path}`, {
      dispatcher: client,
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify(body),
    });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  }
  const callBody = (text: string) => ({
    jsonrpc: '2.0',
    id: ++lastId,
    method: 'tools/call',
    params: { name: 'echo-tool-7', arguments: { text } },
  });
  async function call(path: string, more?: Record<string, string>): Promise<void> {
    const text = `text ${++lastId}`;
    const answer = await post(path, callBody(text), more);
    if (answer.status !== 200 || !answer.text.includes(`"${text}"`)) failed(`${path}: ${answer.status} ${answer.text}`);
  }
  async function open(): Promise<Record<string, string>> {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'soak', version: '1' } };
    const answer = await post('/mcp', { jsonrpc: '2.0', id: ++lastId, method: 'initialize', params });
    const id = answer.headers['mcp-session-id'];
    if (typeof id !== 'string') failed(`initialize: ${answer.status} ${answer.text}`);
    return { 'mcp-session-id': String(id) };
  }
  return [
    () => call('/mcp'),
    () => call('/rpc'),
    async () => {
      const answer = await post('/rpc', { jsonrpc: '2.0', id: 1, method: 'tools/list' });
      if (!answer.text.includes('echo-tool-49')) failed(`tools/list: ${answer.status} ${answer.text.slice(0, 200)}`);
    },
    // A session that is used and ended, and one that is abandoned.
    async () => {
      const session = await open();
      await call('/mcp', session);
      result.requests += 1;
      const ended = await request(`${gateway.url}/mcp`, {
        dispatcher: client,
        method: 'DELETE',
        headers: { ...headers, ...session },
      });
      await ended.body.dump();
      if (ended.statusCode !== 204) failed(`DELETE: ${ended.statusCode}`);
    },
    async () => {
      await call('/mcp', await open());
    },
    // A client that hangs up in mid-call, and a standing stream that is cut.
    async () => {
      result.requests += 1;
      const abort = new AbortController();
      const asked = request(`${gateway.url}/mcp`, {
        dispatcher: client,
        method: 'POST',
        headers,
        body: JSON.stringify(callBody('never read')),
        signal: abort.signal,
      });
      abort.abort();
      await asked.catch(() => undefined); // that it fails is the point
    },
    async () => {
      result.requests += 1;
      const abort = new AbortController();
      const stream = await request(`${gateway.url}/mcp`, {
        headers: { ...gateway.headers, accept: 'text/event-stream', ...(await open()) },
        signal: abort.signal,
      });
      if (stream.statusCode !== 200) failed(`GET: ${stream.statusCode}`);
      stream.body.on('error', () => undefined); // cut by ourselves
      abort.abort();
    },
    async () => {
      result.requests += 2;
      const made = await gateway.rest('POST', '/servers', { name: `soak ${++lastId}` });
      const { id } = made.body as { id?: string };
      const gone = await gateway.rest('DELETE', `/servers/${id}`);
      if (made.status !== 201 || gone.status !== 200) failed(`/servers: ${made.status}, ${gone.status}`);
    },
    async () => {
      const answer = await post('/rpc', {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'no-such-tool' },
      });
      if (!answer.text.includes('-32602')) failed(`unknown tool: ${answer.text}`);
    },
  ];
}

async function sample(
  gateway: GatewayProcess,
  database: pg.Client,
  startedAt: number,
  requests: number,
): Promise<SoakSample> {
  const before = gateway.output().length;
  process.kill(gateway.pid, 'SIGUSR2');
  const deadline = performance.now() + 10_000;
  let line: string | undefined;
  while (line === undefined) {
    if (performance.now() > deadline) throw new Error('the gateway did not tell its memory');
    await new Promise((resolve) => setTimeout(resolve, 20));
    line = /^\{"event":"memory".*\}$/m.exec(gateway.output().slice(before))?.[0];
  }
  const { heapUsedBytes, rssBytes, handles } = JSON.parse(line) as MemorySample;
  const { rows } = await database.query<{ count: string }>(
    "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'gatebench-gateway'",
  );
  return {
    atSeconds: Math.round((performance.now() - startedAt) / 1000),
    requests,
    heapUsedBytes,
    rssBytes,
    handles,
    descriptors: (await readdir(`/proc/${gateway.pid}/fd`)).length,
    databaseConnections: Number(rows[0]?.count ?? 0),
  };
}

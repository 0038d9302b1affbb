// The whole app over a catalog in memory and an upstream that echoes: for tests through `inject`, without a database.
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { buildApp } from '../src/app.ts';
import { type Access, createAccess } from '../src/auth/access.ts';
import { createToken } from '../src/auth/token.ts';
import { Caches } from '../src/cache/caches.ts';
import type { SessionRecords } from '../src/cache/session-records.ts';
import { loadConfig } from '../src/config.ts';
import { GatewayError } from '../src/errors.ts';
import type { Upstream, UpstreamAnswer } from '../src/federation/upstream.ts';
import { createUpstreams } from '../src/federation/upstreams.ts';
import { Load } from '../src/http/load.ts';
import { SessionCarrier } from '../src/http/session-carrier.ts';
import type { SessionHome } from '../src/http/session-home.ts';
import type { Caller, CancelSignal, ClientPeer, ListChange, McpSession, StatedClient } from '../src/mcp/ports.ts';
import { createMetrics, type Metrics } from '../src/metrics.ts';
import type { Plugins } from '../src/plugins/load-plugins.ts';
import { createPerformance, createRecords, type Records } from '../src/records/index.ts';
import type { Catalog, CatalogEntry } from '../src/registry/catalog.ts';
import { createRegistry } from '../src/registry/index.ts';
import type { Store } from '../src/store/store.ts';

export const testAppSecret = 'a-secret-of-at-least-32-characters!!';

/** What the upstream was asked, as text. */
export interface Asked {
  method: string;
  paramsJson: string | undefined;
  signal: CancelSignal | undefined;
  /** The way to the client, and its session. */
  peer: ClientPeer | undefined;
  session: McpSession | undefined;
  upstreamHeaders: readonly string[] | undefined;
  /** What the client of a stateless request says of itself. */
  stated: StatedClient | undefined;
}

export interface TestApp extends AsyncDisposable {
  app: FastifyInstance;
  load: Load;
  carrier: SessionCarrier | undefined;
  asked: Asked[];
  access: Access;
  /** What all upstreams of a session were told. */
  told: { session: string; method: string; paramsJson: string | undefined }[];
  metrics: Metrics;
  records: Records;
  /** The log's lines (from `warn` on). */
  logged: { level: number; code?: string; method?: string; detail?: string; correlationId?: string }[];
  /** As the registry tells a write. */
  changeLists(change: ListChange): void;
  /** `inject` with a token (of `user`, `admin` when not said). */
  send(options: InjectOptions, user?: string): ReturnType<typeof sendTo>;
  post(url: string, message: unknown, headers?: Record<string, string>, user?: string): ReturnType<typeof sendTo>;
}

export interface TestAppOptions {
  environment?: Record<string, string>;
  /** A real one; default: one that is away. */
  store?: Store;
  /** What the database knows of users, tokens and roles (`Row` of auth/directory.ts); default: nothing. */
  knowsOfUsers?: () => Promise<object[]>;
  /** Waited for by whoever asks whether there is a virtual server. */
  opensServer?: () => Promise<void>;
  /** Is the database there? */
  isReady?: boolean;
  /** A URI that is registered as a resource and not shown. */
  hiddenUri?: string;
  answer?: (asked: Asked) => Promise<UpstreamAnswer>;
  plugins?: Plugins;
  /** Makes it one of several processes; `sessionRecords` what they share. */
  home?: SessionHome;
  sessionRecords?: SessionRecords;
}

const tool = (name: string, inputSchema: object = { type: 'object' }): CatalogEntry => ({
  id: name,
  name: `fast-time-${name.replaceAll('_', '-')}`,
  originalName: name,
  gatewayId: 'fast-time',
  json: JSON.stringify({ name: `fast-time-${name.replaceAll('_', '-')}`, inputSchema }),
});

const zoned = { type: 'object', properties: { zone: { type: 'string', 'x-mcp-header': 'Zone' } } };
const prompt = tool('greet_user');
const tools = [tool('convert_time'), tool('get_system_time', zoned)];

const createCatalog = (
  { hiddenUri, opensServer }: TestAppOptions,
  listeners: Set<(change: ListChange) => void>,
): Catalog => ({
  hasServer(serverId) {
    const has = serverId === 'server-1';
    return opensServer === undefined ? has : opensServer().then(() => has);
  },
  find(kind, name, serverId) {
    if (kind === 'tools') {
      const members = serverId === undefined ? tools : tools.slice(0, 1);
      return members.find((entry) => entry.name === name || entry.originalName === name);
    }
    if (kind === 'prompts') return name === prompt.name ? prompt : undefined;
    if (kind === 'resourceTemplates' && name.startsWith('time://'))
      return { ...tool('zone'), originalName: 'time://{zone}' };
    return undefined;
  },
  hasResource: (_gatewayId, uri) => uri === hiddenUri,
  listWithout: () => Promise.reject(new Error('no federation in this test')),
  list(kind, cursor, serverId) {
    if (cursor === 'bad') throw new GatewayError('GW_INVALID_CURSOR', { detail: 'bad' });
    const listed = kind === 'tools' ? (serverId === undefined ? tools : tools.slice(0, 1)) : [];
    return `{"${kind}":[${listed.map(({ json }) => json).join(',')}]}`;
  },
  onListChanged(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  gateway: (id) => ({
    id,
    name: id,
    slug: id,
    url: 'http://127.0.0.1:1/mcp',
    transport: 'STREAMABLEHTTP',
    headers: {},
  }),
});

export function token(subject: string): string {
  return createToken({ secret: testAppSecret, subject, expiresInMinutes: 5, isAdmin: subject === 'admin' });
}

export function createTestApp(options: TestAppOptions = {}): TestApp {
  const config = loadConfig({
    JWT_SECRET_KEY: testAppSecret,
    LOG_LEVEL: 'warn',
    ENABLE_METRICS: 'true',
    ...options.environment,
  });
  const logged: TestApp['logged'] = [];
  const log = pino({ level: config.LOG_LEVEL }, { write: (line) => logged.push(JSON.parse(line)) });
  const asked: Asked[] = [];
  const told: TestApp['told'] = [];
  const { answer } = options;
  const down = async () => {
    throw new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: 'not there in this test' });
  };
  const store: Store = options.store ?? {
    query: down,
    transaction: down,
    ping: options.isReady === false ? down : async () => undefined,
    batch: down,
    read: down,
    wroteElsewhere: () => undefined,
    bulkInsert: down,
    pool: () => ({ size: 5, active: 1, idle: 2, waiting: 0, overflow: 0 }),
    resize: () => undefined,
    queryLog: undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const upstreamOf = (session: McpSession | undefined): Upstream => ({
    async request(method, paramsJson, options) {
      const { signal, peer, trace, stated } = options ?? {};
      const one = { method, paramsJson, signal, peer, session, upstreamHeaders: trace?.upstreamHeaders, stated };
      asked.push(one);
      if (answer !== undefined) return answer(one);
      return { ok: true, resultJson: `{"content":[],"echo":${paramsJson ?? '{}'}}` };
    },
    discover: () => Promise.reject(new Error('not asked for in this test')),
    [Symbol.asyncDispose]: async () => undefined,
  });
  const upstreams = {
    of: (_address: unknown, { session }: Pick<Caller, 'session'>) => upstreamOf(session),
    async broadcast(session: McpSession, method: string, paramsJson: string | undefined) {
      told.push({ session: session.id, method, paramsJson });
    },
    poolMetrics: () => noPool.poolMetrics(),
  };
  const listeners = new Set<(change: ListChange) => void>();
  const noPool = createUpstreams({ config });
  const catalog = createCatalog(options, listeners);
  const caches = new Caches();
  const registry = {
    ...createRegistry({ store, connect: () => upstreamOf(undefined), caches, config, log }),
    catalog,
  };
  // The users table is there, and empty unless the test says otherwise: tokens speak for themselves.
  const { knowsOfUsers = async () => [] } = options;
  const usersStore = { ...store, query: async () => ({ rows: await knowsOfUsers() }) as never };
  const access = createAccess({ config, store: usersStore, caches });
  const metrics = createMetrics(config.ENABLE_METRICS);
  const records = createRecords({ config, store, log, performance: createPerformance(config) });
  const load = new Load();
  const carrier = options.home && new SessionCarrier(options.home, config, load);
  const app = buildApp({
    config,
    registry,
    store,
    upstreams,
    caches,
    access,
    metrics,
    records,
    load,
    log,
    plugins: options.plugins,
    carrier,
    sessionRecords: options.sessionRecords,
  });
  return {
    app,
    load,
    carrier,
    asked,
    access,
    told,
    metrics,
    records,
    logged,
    changeLists: (change) => {
      for (const listener of listeners) listener(change);
    },
    send: (request, user) => sendTo(app, request, user),
    post: (url, message, headers = {}, user) =>
      sendTo(
        app,
        {
          method: 'POST',
          url,
          headers: { 'content-type': 'application/json', ...headers },
          payload: typeof message === 'string' ? message : JSON.stringify(message),
        },
        user,
      ),
    async [Symbol.asyncDispose]() {
      await app.close();
      await carrier?.[Symbol.asyncDispose]();
      await noPool[Symbol.asyncDispose]();
      if (options.store !== undefined) await records[Symbol.asyncDispose]();
    },
  };
}

function sendTo(app: FastifyInstance, request: InjectOptions, user = 'admin') {
  return app.inject({ ...request, headers: { authorization: `Bearer ${token(user)}`, ...request.headers } });
}

// The whole app on a real database, in this process, for tests of who may do what; statements are counted.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { buildApp } from '../../src/app.ts';
import { type Access, createAccess, createPlatformAdmin } from '../../src/auth/access.ts';
import { createToken } from '../../src/auth/token.ts';
import { Caches } from '../../src/cache/caches.ts';
import type { Config } from '../../src/config.ts';
import { createUpstreams } from '../../src/federation/upstreams.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createRegistry } from '../../src/registry/index.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { configOf, testSecret } from '../config-of.ts';
import { createStubUpstreams, fastTime } from '../registry/stub-upstream.ts';

/** An answer's body as it was parsed: looked into freely by tests. */
export type Json = ReturnType<typeof JSON.parse>;

export interface Answer {
  status: number;
  json: Json;
  headers: Record<string, unknown>;
}

export interface AccessApp extends AsyncDisposable {
  app: FastifyInstance;
  access: Access;
  caches: Caches;
  config: Config;
  store: Store;
  /** Statements and transactions so far. */
  statements: () => number;
  /** While it is set, the database fails. */
  break(isBroken: boolean): void;
  logged: string[];
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    token?: string,
    body?: object,
  ): Promise<Answer>;
  login(email: string, password: string): Promise<string>;
}

export const adminPassword = 'Correct-Horse-1';
export const userPassword = 'Battery-Staple-2';

/** Where the stub of the fast time server answers. */
export const upstreamUrl = 'http://127.0.0.1:9000/mcp';

/** Of somebody whom the users table does not know. */
export function tokenOf(subject: string, more: Partial<Parameters<typeof createToken>[0]> = {}): string {
  return createToken({ secret: testSecret, subject, expiresInMinutes: 5, ...more });
}

export async function startAccessApp(databaseUrl: string, settings: Record<string, string> = {}): Promise<AccessApp> {
  const config = configOf({
    DATABASE_URL: databaseUrl,
    PLATFORM_ADMIN_PASSWORD: adminPassword,
    ENABLE_METRICS: 'true',
    FAILED_LOGIN_MIN_RESPONSE_MS: '0',
    RATE_LIMIT_CRITICAL_RPM: '1000',
    ...settings,
  });
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => logged.push(line) });
  const opened = await openStore(config, log);
  let statements = 0;
  let isBroken = false;
  const counted = async <T>(run: () => Promise<T>) => {
    statements++;
    if (isBroken) await opened.query(() => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' })));
    return await run();
  };
  const store: Store = {
    ...opened,
    query: (run) => counted(() => opened.query(run)),
    transaction: (run) => counted(() => opened.transaction(run)),
    batch: (build) => counted(() => opened.batch(build)),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
  const caches = new Caches();
  const upstreams = createStubUpstreams();
  for (const url of [upstreamUrl, `${upstreamUrl}?key=SECRET`]) upstreams.offers.set(url, fastTime);
  const registry = createRegistry({ store, connect: upstreams.connect, caches, config, log });
  const noPool = createUpstreams({ config });
  const access = createAccess({ config, store, caches });
  await createPlatformAdmin(access, config, log);
  const app = buildApp({
    config,
    registry,
    store,
    upstreams: {
      of: (address) => upstreams.connect({ ...address, name: '', slug: '' }),
      broadcast: async () => undefined,
      poolMetrics: () => noPool.poolMetrics(),
    },
    caches,
    access,
    metrics: createMetrics(true),
    log,
  });
  async function call(method: string, url: string, token?: string, body?: object): Promise<Answer> {
    const answer = await app.inject({
      method: method as 'GET',
      url,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, json: answer.body === '' ? undefined : answer.json(), headers: answer.headers };
  }
  return {
    app,
    access,
    caches,
    config,
    store,
    statements: () => statements,
    break: (broken) => {
      isBroken = broken;
    },
    logged,
    call,
    async login(email, password) {
      const { status, json } = await call('POST', '/auth/login', undefined, { email, password });
      if (status !== 200) throw new Error(`login of ${email}: ${status}`);
      return json.access_token;
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await noPool[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}

// The registry behind its REST routes on a real database, in this process; the upstreams are stubs.
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { Caches } from '../../src/cache/caches.ts';
import type { Config } from '../../src/config.ts';
import { registerErrorHandler } from '../../src/http/error-handler.ts';
import { gatewayRoutes } from '../../src/http/gateways.ts';
import { promptRoutes } from '../../src/http/prompts.ts';
import { resourceRoutes } from '../../src/http/resources.ts';
import { serverRoutes } from '../../src/http/servers.ts';
import { toolRoutes } from '../../src/http/tools.ts';
import { createRegistry, type Registry } from '../../src/registry/index.ts';
import { type Log, openStore, type Store } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithEachDatabase } from '../databases.ts';
import { createStubUpstreams, fastTime, type StubUpstreams } from '../registry/stub-upstream.ts';

export interface RegistryApp extends AsyncDisposable {
  app: FastifyInstance;
  registry: Registry;
  caches: Caches;
  store: Store;
  config: Config;
  upstreams: StubUpstreams;
  /** Messages that were logged as warnings or errors. */
  warnings: string[];
  /** One request; the body parsed. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: object,
  ): Promise<{ status: number; json: Json; headers: Record<string, unknown> }>;
}

/** An answer's body as it was parsed: looked into freely by tests. */
export type Json = ReturnType<typeof JSON.parse>;

export async function startRegistryApp(
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<RegistryApp> {
  const config = configOf({ DATABASE_URL: databaseUrl, ...settings });
  const warnings: string[] = [];
  const warn = (_: object, message: string) => void warnings.push(message);
  const log: Log = { info: () => undefined, warn, error: warn };
  const store = await openStore(config, log);
  const upstreams = createStubUpstreams();
  const caches = new Caches();
  const registry = createRegistry({
    store,
    connect: upstreams.connect,
    caches,
    config,
    log,
  });
  const app = Fastify();
  registerErrorHandler(app, () => undefined);
  for (const routes of [gatewayRoutes, serverRoutes, toolRoutes, resourceRoutes, promptRoutes])
    app.register(routes, { registry });
  return {
    app,
    registry,
    caches,
    store,
    config,
    upstreams,
    warnings,
    async call(method, url, body) {
      const answer = await app.inject({ method, url, ...(body === undefined ? {} : { payload: body }) });
      return { status: answer.statusCode, json: answer.json(), headers: answer.headers };
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Where the stub of the fast time server answers. */
export const upstreamUrl = 'http://127.0.0.1:9000/mcp';

export type RegistrySuite = (use: {
  /** Filled in before the first test. */
  registry: RegistryApp;
  /** Registers the fast time server, or what the body says otherwise. */
  register: (body?: object) => Promise<Json>;
}) => void;

/** A suite with a registry on a database of its own, emptied before each test: once on PostgreSQL, once on SQLite. */
export function describeWithRegistry(name: string, suite: RegistrySuite): void {
  describeWithEachDatabase(name, (useDatabase) => {
    const registry = {} as RegistryApp;
    const database = useDatabase();
    beforeAll(async () => {
      Object.assign(registry, await startRegistryApp(await database.create('registry')));
    });
    afterAll(async () => {
      await registry[Symbol.asyncDispose]?.();
    });
    beforeEach(async () => {
      for (const { id } of (await registry.call('GET', '/servers?limit=0')).json)
        await registry.call('DELETE', `/servers/${id}`);
      for (const { id, integrationType } of (await registry.call('GET', '/tools?limit=0&include_inactive=true')).json)
        if (integrationType === 'REST') await registry.call('DELETE', `/tools/${id}`);
      for (const { id } of (await registry.call('GET', '/gateways?limit=0&include_inactive=true')).json) {
        await registry.call('DELETE', `/gateways/${id}`);
      }
      registry.upstreams.before = async () => undefined;
      registry.upstreams.offers.clear();
      registry.upstreams.offers.set(upstreamUrl, fastTime);
    });
    suite({
      registry,
      async register(body = {}) {
        const { status, json } = await registry.call('POST', '/gateways', {
          name: 'fast_time',
          url: upstreamUrl,
          ...body,
        });
        expect(status, JSON.stringify(json)).toBe(201);
        return json;
      },
    });
  });
}

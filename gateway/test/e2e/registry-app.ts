// The registry behind its REST routes on a real database, in this process; the upstreams are stubs.
import Fastify, { type FastifyInstance } from 'fastify';
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
import { createStubUpstreams, type StubUpstreams } from '../registry/stub-upstream.ts';

export interface RegistryApp extends AsyncDisposable {
  app: FastifyInstance;
  registry: Registry;
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
  const registry = createRegistry({ store, connect: upstreams.connect, config, log });
  const app = Fastify();
  registerErrorHandler(app, () => undefined);
  for (const routes of [gatewayRoutes, serverRoutes, toolRoutes, resourceRoutes, promptRoutes])
    app.register(routes, { registry });
  return {
    app,
    registry,
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

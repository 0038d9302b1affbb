// `gateway serve`: starts in order (store, upstreams, app), says where it listens, stops in reverse on a signal.
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.ts';
import { createAccess, createPlatformAdmin } from './auth/access.ts';
import { Caches } from './cache/caches.ts';
import { startSharing } from './cache/index.ts';
import type { Config } from './config.ts';
import { createFederation } from './federation/federation.ts';
import { tellHop } from './federation/hops.ts';
import { createUpstreams } from './federation/upstreams.ts';
import { createMetrics, observeDatabase, observeUpstream } from './metrics.ts';
import { createRegistry } from './registry/index.ts';
import { createRefreshChanged } from './registry/refresh-changed.ts';
import { createCacheVersions } from './store/cache-versions.ts';
import { openStore } from './store/store.ts';
import { joinObservers, traceDatabase } from './telemetry/database-observer.ts';
import { createLog } from './telemetry/log.ts';
import { openTracer } from './telemetry/open-tracer.ts';

/** In flight requests may end for this long after the signal; then their connections are closed under them. */
const DRAIN_MS = 25_000;
const IDLE_CHECK_MS = 50;

/** Why the gateway could not listen; `code` is the system's (`EADDRINUSE`). */
export class ListenError extends Error {
  readonly code: string;
  constructor(address: string, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${address}: ${cause.message}`, { cause });
    this.name = 'ListenError';
    this.code = cause.code ?? 'unknown';
  }
}

/**
 * Runs until SIGTERM or SIGINT, then until what is in flight has ended. Standard output gets one line, for whoever
 * started us: `{"event":"listening","url":…,"pid":…}`; the log goes to standard error.
 * @throws GW_DATABASE_UNAVAILABLE, ListenError
 */
export async function serve(config: Config): Promise<void> {
  const stopped = waitForStop();
  const log = createLog(config);
  const metrics = createMetrics(config.ENABLE_METRICS);
  const caches = new Caches();
  await using tracer = await openTracer(config, log);
  const observer = joinObservers([
    config.ENABLE_METRICS ? observeDatabase(metrics) : undefined,
    config.LAYER_TIMINGS_ENABLED || tracer !== undefined ? traceDatabase : undefined,
  ]);
  await using store = await openStore(config, log, observer);
  await using sharing = await startSharing({ caches, config, versions: createCacheVersions(store), log });
  await using federation = sharing.redis && createFederation({ redis: sharing.redis, config, log });
  await using upstreams = createUpstreams({
    config,
    listChanged: (gatewayId) => refreshChanged(gatewayId),
    observe: (method, outcome, seconds) => observeUpstream(metrics, method, outcome, seconds),
  });
  const connect: typeof upstreams.connect = (address) =>
    upstreams.connect(federation === undefined ? address : tellHop(address, federation.id));
  const registry = createRegistry({ store, connect, caches, config, log });
  const refreshChanged = createRefreshChanged(registry.gateways.refresh, (error) =>
    log.warn({ error: String(error) }, 'an upstream whose lists have changed could not be asked again'),
  );
  const access = createAccess({ config, store, caches });
  await createPlatformAdmin(access, config, log);
  const app = buildApp({ config, registry, store, upstreams, caches, access, federation, metrics, tracer, log });
  const url = await listen(app, config);
  federation?.announce(url);
  process.stdout.write(`${JSON.stringify({ event: 'listening', url, pid: process.pid })}\n`);
  const signal = await stopped;
  log.info({ signal }, 'stopping');
  // A connection that was busy when the stop began is idle after its answer; its client would keep it open for long.
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
  const late = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
  await app.close();
  clearInterval(idle);
  clearTimeout(late);
}

async function listen(app: FastifyInstance, config: Config): Promise<string> {
  try {
    return await app.listen({ host: config.HOST, port: config.PORT });
  } catch (error) {
    await app.close();
    throw new ListenError(`${config.HOST}:${config.PORT}`, error as NodeJS.ErrnoException);
  }
}

/** The first signal asks for an orderly end; the second one is obeyed at once. */
function waitForStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) process.exit(130);
      isStopping = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

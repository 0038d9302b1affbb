// One gateway in this process: its parts in order (store, upstreams, app), and its end in reverse. `serve` runs it alone, listening
// and stopped by signals; a worker of a cluster gets its connections and its orders from the primary.
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from './app.ts';
import { createAccess, createPlatformAdmin } from './auth/access.ts';
import { Caches } from './cache/caches.ts';
import { isSharedByRedis, startSharing } from './cache/index.ts';
import { createSessionRecords } from './cache/session-records.ts';
import { type Config, changeConfig, type ResolvedConfig, type SettingName } from './config.ts';
import { GatewayError } from './errors.ts';
import { createFederation } from './federation/federation.ts';
import { GlobalPassthrough } from './federation/global-passthrough.ts';
import { HealthMonitor } from './federation/health-monitor.ts';
import { tellHop } from './federation/hops.ts';
import { createUpstreams } from './federation/upstreams.ts';
import type { SettingsPort } from './http/admin-config.ts';
import { drain, drainTimes } from './http/drain.ts';
import { Load } from './http/load.ts';
import { SessionCarrier } from './http/session-carrier.ts';
import { createNeighbourhood, type SessionHome, toHome } from './http/session-home.ts';
import { everything } from './mcp/viewer.ts';
import { createMetrics, type Metrics, observeDatabase, observeUpstream } from './metrics.ts';
import type { Plugins } from './plugins/load-plugins.ts';
import { createPerformance, createRecords, observeStatements, type Records } from './records/index.ts';
import { createRegistry } from './registry/index.ts';
import { createRefreshChanged } from './registry/refresh-changed.ts';
import { createCacheVersions } from './store/cache-versions.ts';
import { createGlobalConfig } from './store/global-config.ts';
import { openStore } from './store/store.ts';
import { joinObservers, traceDatabase } from './telemetry/database-observer.ts';
import { createLog } from './telemetry/log.ts';
import { LogTail } from './telemetry/log-tail.ts';
import { openTracer } from './telemetry/open-tracer.ts';

/** Why the gateway could not listen; `code` is the system's (`EADDRINUSE`). */
export class ListenError extends Error {
  readonly code: string;
  readonly hint: string;
  constructor(address: string, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${address}: ${cause.message}`, { cause });
    this.name = 'ListenError';
    this.code = cause.code ?? 'unknown';
    this.hint = listenHints[this.code] ?? 'HOST and PORT say where to listen';
  }
}

const noAddress = 'HOST must be an address or a name of this machine: 127.0.0.1, ::1, or 0.0.0.0 and :: for all';
const listenHints: Record<string, string> = {
  EADDRINUSE: 'another process listens there: end it, or choose another PORT (0: any free one)',
  EACCES: 'ports below 1024 are for root: choose a PORT above, or give the right to it (CAP_NET_BIND_SERVICE)',
  EADDRNOTAVAIL: noAddress,
  ENOTFOUND: noAddress,
};

/** What whoever runs a gateway sees of it. */
export interface Gateway {
  app: FastifyInstance;
  load: Load;
  metrics: Metrics;
  log: Logger;
  /** It can be reached there from now on. */
  announce(url: string): void;
  /** Puts changed settings in force: most are read at use; what keeps a copy is told here. */
  reconfigure(changed: ResolvedConfig): void;
}

/** The other processes of this gateway, as one of them sees them. */
export interface Neighbours {
  /** Changes the settings of all. */
  change: SettingsPort['change'];
  /** Tells them of invalidations, and drops here what they tell of. */
  shareCaches(caches: Caches): void;
  /** What all of them counted, as Prometheus reads it. */
  renderMetrics: () => Promise<string>;
  /** Of the client sessions of this one; undefined: no way leads to it. */
  home: SessionHome | undefined;
}

/**
 * Makes a gateway, has it run, and ends it when `run` does: what is in flight ends first.
 * @param neighbours where there are several processes: the way to the others
 * @param run gives it connections; what it resolves with is the reason of the end, for the log
 * @throws GW_DATABASE_UNAVAILABLE, and what `run` throws
 */
export async function withGateway(
  settings: ResolvedConfig,
  run: (gateway: Gateway) => Promise<string>,
  neighbours?: Neighbours,
): Promise<void> {
  const { config } = settings;
  let logLine: Records['logLine'];
  const logTail = config.MCPGATEWAY_UI_ENABLED ? new LogTail() : undefined;
  const keepLine = config.STRUCTURED_LOGGING_DATABASE_ENABLED || logTail !== undefined;
  const log = createLog(
    config,
    keepLine
      ? (line) => {
          logLine?.(line);
          logTail?.add(line);
        }
      : undefined,
  );
  const metrics = createMetrics(config.ENABLE_METRICS);
  const caches = new Caches();
  // Another worker's word may come from now on: it must not find nobody.
  if (!isSharedByRedis(config)) neighbours?.shareCaches(caches);
  const load = new Load();
  const sharesSessions = isSharedByRedis(config) && config.USE_STATEFUL_SESSIONS;
  const home = neighbours?.home ?? (sharesSessions ? toHome(createNeighbourhood(), 0) : undefined);
  if (home === undefined && (neighbours !== undefined || sharesSessions)) {
    log.warn({}, 'no folder can be written to (TMPDIR): a request of a session must come to the process that has it');
  }
  await using carrier = home && new SessionCarrier(home, config, load);
  await using tracer = await openTracer(config, log);
  const performance = createPerformance(config);
  const observer = joinObservers([
    config.ENABLE_METRICS ? observeDatabase(metrics) : undefined,
    config.LAYER_TIMINGS_ENABLED || tracer !== undefined ? traceDatabase : undefined,
    performance && observeStatements(performance),
  ]);
  await using store = await openStore(config, log, observer);
  caches.onDrop(() => store.wroteElsewhere());
  await using records = createRecords({ config, store, log, performance });
  logLine = records.logLine;
  await using sharing = await startSharing({ caches, config, versions: createCacheVersions(store), log });
  await using federation = sharing.redis && createFederation({ redis: sharing.redis, config, log });
  const passthrough = caches.add(new GlobalPassthrough({ stored: createGlobalConfig(store), config }));
  await passthrough.load();
  await using upstreams = createUpstreams({
    config,
    passthroughNames: () => passthrough.names(),
    listChanged: (gatewayId) => refreshChanged(gatewayId),
    observe: (method, outcome, seconds) => observeUpstream(metrics, method, outcome, seconds),
  });
  const connect: typeof upstreams.connect = (address) =>
    upstreams.connect(federation === undefined ? address : tellHop(address, federation.id));
  const registry = createRegistry({ store, connect, caches, config, log });
  const sync = (id: string) => registry.gateways.refresh(id, everything);
  const refreshChanged = createRefreshChanged(sync, (error) =>
    log.warn({ error: String(error) }, 'an upstream whose lists have changed could not be asked again'),
  );
  const access = createAccess({ config, store, caches });
  await createPlatformAdmin(access, config, log);
  function reconfigure({ config: changed, origins }: ResolvedConfig): void {
    Object.assign(config, changed);
    Object.assign(settings.origins, origins);
    log.level = config.LOG_LEVEL;
    store.resize(config.DB_POOL_SIZE, config.DB_MAX_OVERFLOW);
  }
  const plugins = config.PLUGINS_ENABLED ? await openPlugins(config, log) : undefined;
  const change = neighbours?.change ?? (async (changes) => reconfigure(changeAlone(settings, changes)));
  using health = new HealthMonitor({
    config,
    list: registry.gateways.watched,
    check: upstreams.check,
    setUnreachable: registry.gateways.setUnreachable,
    sync,
    isLeader: () => federation?.leadership.isLeader() ?? true,
    log,
  });
  const app = buildApp({
    config,
    registry,
    store,
    upstreams,
    caches,
    access,
    federation,
    metrics,
    records,
    load,
    tracer,
    log,
    settings: { current: settings, change },
    passthrough,
    plugins,
    logTail,
    redis: sharing.redis && (() => ({ isUp: sharing.redis?.isUp() === true })),
    renderMetrics: neighbours?.renderMetrics,
    carrier,
    sessionRecords: sharesSessions
      ? sharing.redis && home && createSessionRecords(sharing.redis, home.mark)
      : undefined,
  });
  function announce(url: string): void {
    federation?.announce(url);
    health.start();
  }
  try {
    if (carrier !== undefined) await openToNeighbours(carrier, app);
    const reason = await run({ app, load, metrics, log, announce, reconfigure });
    log.info({ reason }, 'stopping');
  } finally {
    await drain(app.server, load);
    if (carrier !== undefined) {
      // As for connections of clients: what is on its way is answered.
      await carrier.leave();
      await drain(app.server, load, { ...drainTimes, graceMs: 0 });
    }
    await app.close();
  }
}

async function openToNeighbours(carrier: SessionCarrier, app: FastifyInstance): Promise<void> {
  await app.ready();
  await carrier.open(app.server);
}

/** @throws GW_PLUGIN_INVALID */
async function openPlugins(config: Config, log: Logger): Promise<Plugins> {
  const { loadPlugins } = await import('./plugins/load-plugins.ts');
  const plugins = await loadPlugins(config);
  log.info({ plugins: plugins.list.map(({ name, mode }) => `${name} (${mode})`) }, 'plugins');
  return plugins;
}

/** The settings with those changes. @throws GW_CONFIG_INVALID */
export function withChanges({ config, origins }: ResolvedConfig, changes: Record<string, unknown>): ResolvedConfig {
  const changed = changeConfig(config, changes);
  const names = Object.keys(changes) as SettingName[];
  return { config: changed, origins: { ...origins, ...Object.fromEntries(names.map((name) => [name, 'run time'])) } };
}

/** One process cannot become several. @throws GW_CONFIG_INVALID */
function changeAlone(settings: ResolvedConfig, changes: Record<string, unknown>): ResolvedConfig {
  const changed = withChanges(settings, changes);
  if (changed.config.WORKERS === settings.config.WORKERS) return changed;
  const message = 'cannot change in a gateway without workers: start it with WORKERS=1 or more';
  const faults = [{ path: '/WORKERS', message }];
  throw new GatewayError('GW_CONFIG_INVALID', { detail: `/WORKERS ${message}`, faults });
}

/**
 * Runs until SIGTERM or SIGINT, then until what is in flight has ended. Standard output gets one line, for whoever
 * started us: `{"event":"listening","url":…,"pid":…}`; the log goes to standard error.
 * @throws GW_DATABASE_UNAVAILABLE, ListenError
 */
export async function serve(settings: ResolvedConfig): Promise<void> {
  const stop = waitForStop();
  await withGateway(settings, async ({ app, announce }) => {
    const url = await listen(app, settings.config);
    stop.listening();
    announce(url);
    process.stdout.write(`${JSON.stringify({ event: 'listening', url, pid: process.pid })}\n`);
    return stop.asked;
  });
}

async function listen(app: FastifyInstance, { HOST, PORT, BACKLOG, SSL }: Config): Promise<string> {
  try {
    const url = await app.listen({ host: HOST, port: PORT, backlog: BACKLOG });
    // Fastify does not look into a server that it was given.
    return SSL ? url.replace('http:', 'https:') : url;
  } catch (error) {
    // The plugins are loaded by it too: what fails there is no matter of the address.
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new ListenError(`${HOST}:${PORT}`, error as NodeJS.ErrnoException);
  }
}

/**
 * While it starts there is nothing to end in order, and what it waits for may never come: a signal is obeyed at once. From
 * `listening` on the first one asks for an orderly end, and the second one is obeyed at once.
 */
export function waitForStop(): { asked: Promise<NodeJS.Signals>; listening(): void } {
  let [isListening, isStopping] = [false, false];
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      if (!isListening) process.stderr.write(`${signal} while starting: nothing was served yet\n`);
      if (!isListening || isStopping) process.exit(130);
      isStopping = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  return {
    asked,
    listening() {
      isListening = true;
    },
  };
}

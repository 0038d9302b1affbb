// The gateway as one Fastify app: the only list of its plugins, and their order.
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Access } from './auth/access.ts';
import { createAuthenticate } from './auth/index.ts';
import { createVerifyToken } from './auth/jwt.ts';
import { createReadmit } from './auth/readmit.ts';
import type { Caches } from './cache/caches.ts';
import type { SessionRecords } from './cache/session-records.ts';
import type { Config } from './config.ts';
import { GatewayError } from './errors.ts';
import type { Federation } from './federation/federation.ts';
import type { GlobalPassthrough } from './federation/global-passthrough.ts';
import { HOPS_HEADER, isOfHop, passHops, readHops } from './federation/hops.ts';
import { CONTENTS_CACHE, ResourceContents } from './federation/resource-contents.ts';
import { createRestCalls } from './federation/rest-tool.ts';
import { createRouter } from './federation/router.ts';
import { traceRest, traceUpstreams } from './federation/trace-upstreams.ts';
import type { Upstreams } from './federation/upstreams.ts';
import { watchPool } from './federation/watch-pool.ts';
import { accessRoutes } from './http/access.ts';
import { administration } from './http/admin/administration.ts';
import { AdminStats } from './http/admin/stats.ts';
import type { SettingsPort } from './http/admin-config.ts';
import { announceChange } from './http/announce-changes.ts';
import { compressAnswers } from './http/compress.ts';
import { registerErrorHandler } from './http/error-handler.ts';
import { createFastDoor, type FastDoor, mayHaveFastDoor } from './http/fast-door.ts';
import { createRefuseLoops, federationRoutes } from './http/federation.ts';
import { gatewayRoutes } from './http/gateways.ts';
import { healthRoutes } from './http/health.ts';
import { createHttpServer } from './http/http-server.ts';
import { toServerLimits } from './http/limits.ts';
import { Listeners } from './http/listen.ts';
import { Load } from './http/load.ts';
import { loginRoutes } from './http/login.ts';
import { metricsRoutes } from './http/metrics.ts';
import { observeQueries } from './http/observe-queries.ts';
import { createObserve, observeRequests } from './http/observe-requests.ts';
import { describeRoutes, openapiRoutes } from './http/openapi.ts';
import { askForPermissions, forPermitted } from './http/permissions.ts';
import { promptRoutes } from './http/prompts.ts';
import { protectEdge } from './http/protect-edge.ts';
import { toGuardedRateLimit } from './http/rate-limit.ts';
import { createRecordUse, logAccess, recordChanges, recordRefusals, recordTokenUse } from './http/record-requests.ts';
import { includeFigures } from './http/records.ts';
import type { HasServer } from './http/require-server.ts';
import { resourceRoutes } from './http/resources.ts';
import { rpcRoutes } from './http/rpc.ts';
import { serverRoutes } from './http/servers.ts';
import type { SessionCarrier } from './http/session-carrier.ts';
import { Sessions } from './http/sessions.ts';
import { SharedSessions } from './http/shared-sessions.ts';
import { sseTransportRoutes } from './http/sse-transport.ts';
import { createAnswerStateless } from './http/stateless.ts';
import { streamableHttpRoutes } from './http/streamable-http.ts';
import { toolRoutes } from './http/tools.ts';
import { toRequestId, traceRequests } from './http/trace-requests.ts';
import { transferRoutes } from './http/transfer.ts';
import { websocketRoutes } from './http/websocket.ts';
import { wellKnownRoutes } from './http/well-known.ts';
import type { McpPorts } from './mcp/ports.ts';
import { RpcError, toCountedCode } from './mcp/rpc-error.ts';
import { viewerOf } from './mcp/viewer.ts';
import { countError, type Metrics, observeUpstream, renderMetrics, watchSources } from './metrics.ts';
import type { Plugins } from './plugins/load-plugins.ts';
import { withPlugins } from './plugins/wrap-forward.ts';
import { noRecords, type Records } from './records/index.ts';
import type { Catalog } from './registry/catalog.ts';
import type { Registry } from './registry/index.ts';
import { createListTtl } from './registry/list-ttl.ts';
import { createParamHeaders } from './registry/param-headers.ts';
import type { Store } from './store/store.ts';
import type { LogTail } from './telemetry/log-tail.ts';
import type { Tracer } from './telemetry/tracer.ts';

export interface AppParts {
  config: Config;
  registry: Registry;
  store: Pick<Store, 'ping' | 'pool' | 'queryLog' | 'query'>;
  upstreams: Pick<Upstreams, 'of' | 'broadcast' | 'poolMetrics'>;
  caches: Caches;
  access: Access;
  metrics: Metrics;
  /** Undefined: nobody else is known of. */
  federation?: Federation | undefined;
  /** Undefined: nobody asks what it has to do. */
  load?: Load;
  /** Undefined: nothing is written down. */
  records?: Records;
  /** Undefined: no traces. */
  tracer?: Tracer | undefined;
  /** Undefined: nothing changes while it runs. */
  settings?: SettingsPort;
  /** Undefined: nobody changes which headers go on to all upstreams. */
  passthrough?: GlobalPassthrough;
  /** Undefined: no plugin is loaded. */
  plugins?: Plugins | undefined;
  /** What the admin pages show beside the rest; undefined where there is none. */
  logTail?: LogTail | undefined;
  redis?: (() => { isUp: boolean }) | undefined;
  /** Undefined: /metrics tells of this process. */
  renderMetrics?: (() => Promise<string>) | undefined;
  /** The way to the sessions of other processes. Undefined: there is no other process. */
  carrier?: SessionCarrier | undefined;
  /** Undefined: sessions end with their process. */
  sessionRecords?: SessionRecords | undefined;
  log: FastifyBaseLogger;
}

/** What an app is made of; nothing listens, and nothing is read from the environment. */
export function buildApp(parts: AppParts): FastifyInstance {
  const {
    config,
    registry,
    store,
    upstreams,
    caches,
    access,
    federation,
    metrics,
    load = new Load(),
    records = noRecords,
    tracer,
    carrier,
    sessionRecords,
    log,
  } = parts;
  const measured = { metrics, render: parts.renderMetrics ?? (() => renderMetrics(metrics)) };
  let door: FastDoor | undefined;
  const app = Fastify({
    loggerInstance: log,
    // The access log would cost more than the request; failures are logged, and /metrics counts everything.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    ...(config.CORRELATION_ID_ENABLED ? { genReqId: toRequestId } : {}),
    bodyLimit: config.MAX_REQUEST_BYTES,
    serverFactory: (handler) => {
      // It is made with the app, which is made with its server.
      const fastDoor: Pick<FastDoor, 'take'> = { take: (raw, response) => door?.take(raw, response) === true };
      const limits = toServerLimits(config);
      return createHttpServer(carrier?.around(handler) ?? handler, { config, limits, load, fastDoor });
    },
  });
  const { catalog } = registry;
  const restCalls = createRestCalls(config, (outcome, seconds) => observeUpstream(metrics, 'rest', outcome, seconds));
  const isTraced = config.LAYER_TIMINGS_ENABLED || tracer !== undefined;
  const reached = federation === undefined ? upstreams : passHops(upstreams, federation.id);
  const { has, forward: forwardAny } = createRouter(
    catalog,
    isTraced ? traceUpstreams(reached) : reached,
    isTraced ? traceRest(restCalls.call) : restCalls.call,
    records.executed,
  );
  const contents = caches.add(new ResourceContents(config));
  const forwardKept = contents.around(has, forwardAny);
  const forwardToAll =
    parts.plugins === undefined
      ? forwardKept
      : withPlugins(forwardKept, parts.plugins, {
          find: (kind, name, caller) => catalog.find(kind, name, caller.serverId, viewerOf(caller.identity)),
          tell: (error) => tellFailure(metrics, log, 'plugin', error, undefined),
        });
  const listAll: McpPorts['list'] = (kind, cursor, serverId, { identity }) =>
    catalog.list(kind, cursor, serverId, viewerOf(identity));
  const { list, forward } = forPermitted({
    list: federation === undefined ? listAll : createListForPeers(catalog, federation, listAll),
    forward: forwardToAll,
  });
  const failed: McpPorts['failed'] = (method, error, requestId) => tellFailure(metrics, log, method, error, requestId);
  const broadcast: McpPorts['broadcast'] = (session, method, paramsJson) =>
    upstreams.broadcast(session, method, paramsJson);
  const ports: McpPorts = { list, has, forward, broadcast, failed };
  const sessions = new Sessions({
    config,
    nowMs: () => performance.now(),
    failed: (error) => failed('session end', error),
    resourceUpdated: (uri) => caches.invalidate(CONTENTS_CACHE, uri),
    mark: carrier?.home.mark,
  });
  const shared =
    carrier && sessionRecords && new SharedSessions({ sessions, records: sessionRecords, carrier, ports, config });
  const listeners = new Listeners({ onListChanged: catalog.onListChanged, sessions, ports, config });
  const answerStateless = createAnswerStateless({
    ports: { ...ports, listTtlMs: createListTtl(config), paramHeaders: createParamHeaders(catalog) },
    listeners,
    config,
  });
  catalog.onListChanged(
    (change) => announceChange(sessions, change),
    () => sessions.size > 0,
  );
  watchSources(metrics, {
    database: () => store.pool(),
    caches: () => caches.stats(),
    sessions: () => sessions.size,
    refused: () => load.refused,
    records: () => records.buffers(),
    served: () => load.served,
  });
  watchPool(metrics, () => upstreams.poolMetrics());
  // Streams have no end of their own: they would hold up a graceful stop for ever.
  app.addHook('preClose', (closed) => {
    listeners[Symbol.dispose]();
    closed();
  });

  app.addHook('onClose', () => restCalls[Symbol.asyncDispose]());
  app.decorateRequest('identity', undefined);
  app.decorate('load', load);
  app.decorate('readmit', createReadmit(config, access.grants));
  traceRequests(app, { config, metrics, tracer });
  const observe = config.ENABLE_METRICS ? createObserve(metrics) : undefined;
  if (observe !== undefined) observeRequests(app, observe);
  protectEdge(app, config);
  if (store.queryLog !== undefined) observeQueries(app, store.queryLog);
  registerErrorHandler(app, failed);
  if (config.COMPRESSION_ENABLED) compressAnswers(app, config);
  logAccess(app, config);
  recordRefusals(app, records.security);
  recordChanges(app, records.audit);

  const verifyToken = createVerifyToken(config, caches);
  const recordUse = records.tokenUse === undefined ? undefined : createRecordUse(records.tokenUse);
  const hasServer: HasServer = (id, identity) => catalog.hasServer(id, viewerOf(identity));
  if (mayHaveFastDoor(config, isTraced)) {
    const { grants } = access;
    door = createFastDoor({ config, app, load, verifyToken, grants, hasServer, failed, observe, recordUse });
  }

  describeRoutes(app);
  app.register(healthRoutes, { ping: () => store.ping(), failed, fastDoor: door });
  if (config.ENABLE_METRICS && !config.METRICS_AUTH_REQUIRED) app.register(metricsRoutes, measured);
  if (config.WELL_KNOWN_ENABLED) app.register(wellKnownRoutes, { config });
  app.register(loginRoutes, { access, config });
  app.register(openapiRoutes);
  async function guard(guarded: FastifyInstance): Promise<void> {
    guarded.addHook('onRequest', createAuthenticate(config, access.grants, verifyToken));
    if (config.RATE_LIMITING_ENABLED) await guarded.register(rateLimit, toGuardedRateLimit(config));
    recordTokenUse(guarded, recordUse);
    askForPermissions(guarded);
  }
  if (config.MCPGATEWAY_UI_ENABLED || config.MCPGATEWAY_ADMIN_API_ENABLED) {
    const poolMetrics = () => upstreams.poolMetrics();
    const clientSessions = () => sessions.size;
    const stats = new AdminStats({ config, metrics, caches, store, records, load, poolMetrics, clientSessions });
    app.addHook('onClose', async () => stats[Symbol.dispose]());
    app.register(administration, { ...parts, records, ports, stats, poolMetrics, verifyToken, guard });
  }
  app.register(async function authenticated(guarded) {
    await guard(guarded);
    if (federation !== undefined) {
      guarded.addHook('onRequest', createRefuseLoops(federation));
      guarded.register(federationRoutes, { federation });
    }
    includeFigures(guarded, records.figures);
    if (config.ENABLE_METRICS && config.METRICS_AUTH_REQUIRED) guarded.register(metricsRoutes, measured);
    guarded.register(rpcRoutes, { ports, answerStateless, fastDoor: door });
    guarded.register(streamableHttpRoutes, {
      ports,
      sessions: config.USE_STATEFUL_SESSIONS ? sessions : undefined,
      shared,
      answerStateless,
      fastDoor: door,
      hasServer,
      config,
    });
    guarded.register(sseTransportRoutes, { ports, sessions, hasServer, config });
    guarded.register(websocketRoutes, { ports, sessions, hasServer, config });
    guarded.register(gatewayRoutes, { registry });
    guarded.register(serverRoutes, { registry });
    guarded.register(toolRoutes, { registry });
    guarded.register(resourceRoutes, { registry });
    guarded.register(promptRoutes, { registry });
    guarded.register(accessRoutes, { access });
    guarded.register(transferRoutes, { registry });
  });
  // Streams have no end of their own: they would hold up a graceful stop for ever.
  app.addHook('preClose', (closed) => {
    shared?.[Symbol.dispose]();
    sessions[Symbol.dispose]();
    carrier?.endStreams();
    closed();
  });
  return app;
}

/** Another gateway that asks what we offer is not told what we have from it: it would register that, and we that again. */
function createListForPeers(catalog: Catalog, federation: Federation, list: McpPorts['list']): McpPorts['list'] {
  return (kind, cursor, serverId, caller) => {
    if (caller.headers[HOPS_HEADER] === undefined) return list(kind, cursor, serverId, caller);
    const hops = readHops(caller.headers);
    const peers = federation.peers();
    return catalog.listWithout(
      ({ url }) => isOfHop(url, hops, peers),
      kind,
      cursor,
      serverId,
      viewerOf(caller.identity),
    );
  };
}

/**
 * Counts by code and logs: failures of the gateway and of what it needs at `error`, refusals at `warn`. JSON-RPC's own errors
 * are answers to the client and only counted; what is none of our known failures is a bug, and logged whole.
 */
function tellFailure(
  metrics: Metrics,
  log: FastifyBaseLogger,
  method: string,
  error: unknown,
  requestId: string | undefined,
): void {
  if (error instanceof GatewayError) {
    const { code, inside: detail, status } = error;
    countError(metrics, code);
    log[status >= 500 ? 'error' : 'warn']({ code, method, detail, correlationId: requestId }, 'request failed');
  } else if (error instanceof RpcError) {
    countError(metrics, toCountedCode(error.code));
  } else {
    countError(metrics, 'GW_INTERNAL');
    log.error({ err: error, method, correlationId: requestId }, 'request failed');
  }
}

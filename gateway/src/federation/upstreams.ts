// The upstreams in use: what a request of a caller goes to, with whose session. The only place where the parts of this folder are
// put together.
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Caller, McpSession } from '../mcp/ports.ts';
import { shownUrl } from '../shown-url.ts';
import { parseUrl, type UpstreamAddress } from './address.ts';
import { CallLimit } from './call-limit.ts';
import { type CircuitConfig, Circuits } from './circuits.ts';
import { ClientSessions } from './client-sessions.ts';
import { createDial, ownSession, type SessionFor } from './dial.ts';
import { FreshSessions } from './fresh-sessions.ts';
import { checkHealth } from './health-chain.ts';
import { LoneSession } from './lone-session.ts';
import { Outbound, type OutboundConfig } from './outbound.ts';
import { type PassthroughConfig, passedHeaders } from './passthrough.ts';
import { createCounts, type PoolMetrics, toPoolMetrics } from './pool-metrics.ts';
import { Pools } from './pools.ts';
import { RetryBudget, type RetryConfig } from './retry.ts';
import { SessionPool, type SessionPoolConfig } from './session-pool.ts';
import type { SessionSource } from './session-source.ts';
import { SessionUpstream } from './session-upstream.ts';
import type { RequestOptions, Upstream } from './upstream.ts';
import type { Observe, UpstreamSession } from './upstream-session.ts';

export type { UpstreamAddress } from './address.ts';
export type { PoolMetrics } from './pool-metrics.ts';

export interface Upstreams extends AsyncDisposable {
  /** A new one, the caller's own to dispose: for discovery. @throws GW_INVALID_REQUEST */
  connect(address: UpstreamAddress): Upstream;
  /** A pooled one, or the one of the caller's session; never the caller's to dispose. On the request path. */
  of(address: UpstreamAddress, caller: Pick<Caller, 'identity' | 'headers' | 'session'>): Upstream;
  /**
   * Told to all upstream sessions that a client session has open: `logging/setLevel` (those that open later get the session's
   * `logLevel`), `notifications/roots/list_changed`. Never rejects.
   */
  broadcast(session: McpSession, method: string, paramsJson: string | undefined): Promise<void>;
  poolMetrics(): PoolMetrics;
  /** Is it there? Opens a session, for its health check. @throws as `Upstream.request` */
  check(address: UpstreamAddress): Promise<void>;
}

export type UpstreamsConfig = OutboundConfig &
  SessionPoolConfig &
  CircuitConfig &
  PassthroughConfig &
  RetryConfig &
  Pick<
    Config,
    | 'AUTH_REQUIRED'
    | 'TOOL_TIMEOUT'
    | 'TOOL_CONCURRENT_LIMIT'
    | 'HTTPX_READ_TIMEOUT'
    | 'HEALTH_CHECK_TIMEOUT'
    | 'GATEWAY_HEALTH_CHECK_TIMEOUT'
    | 'MCP_SESSION_POOL_EXPLICIT_HEALTH_RPC'
    | 'MCP_SESSION_POOL_ENABLED'
    | 'MCP_SESSION_POOL_CREATE_TIMEOUT'
    | 'MCP_SESSION_POOL_TRANSPORT_TIMEOUT'
    | 'MCP_SESSION_POOL_IDLE_EVICTION'
  >;

export interface UpstreamsOptions {
  config: UpstreamsConfig;
  observe?: Observe;
  /** Headers that go on to all upstreams, as an administrator set them; undefined: DEFAULT_PASSTHROUGH_HEADERS says it. */
  passthroughNames?: () => readonly string[] | undefined;
  /** A list of this gateway's upstream has changed: it told one of our sessions. */
  listChanged?: (gatewayId: string, kind: string) => void;
}

/** What all requests to one upstream share, whoever asks. */
interface Shared {
  limit: CallLimit;
  budget: RetryBudget;
}

/** Of the time that a call has left, what opening a session may take. */
const OPENING_SHARE = 0.95;
/** Gateways come and go: what is remembered of those that are gone is bounded. */
const UPSTREAMS_REMEMBERED = 10_000;

export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const { config, observe, listChanged, passthroughNames } = options;
  const outbound = new Outbound(config);
  const circuits = new Circuits(config);
  const counts = createCounts();
  const shared = new LRUCache<string, Shared>({ max: UPSTREAMS_REMEMBERED });
  const dial = createDial({ outbound, config, observe, listChanged });
  const goodbyeMs = () =>
    config.MCP_SESSION_POOL_TERMINATE_ON_CLOSE ? config.MCP_SESSION_POOL_CLEANUP_TIMEOUT * 1000 : 0;
  const pooledSilenceMs = () => config.MCP_SESSION_POOL_TRANSPORT_TIMEOUT * 1000;
  const guarded = (address: UpstreamAddress, session: SessionFor) =>
    circuits.run(address.url, () => dial(address, { ...session, timeoutMs: toOpeningMs(session.timeoutMs) }));
  /** One who has little time left does not spoil it for those who come after; who has all of it hears of the failure itself. */
  const toOpeningMs = (leftMs: number) => Math.max(leftMs, config.TOOL_TIMEOUT * 500) * OPENING_SHARE;

  /** For a session in which a call found no answer. One that does not answer this either has to be opened anew: that counts. */
  const verify =
    ({ url }: UpstreamAddress) =>
    async (session: UpstreamSession): Promise<boolean> => {
      // A third of a call's time at most: who waits for it has enough left to open another session in.
      const timeoutMs = Math.min(config.MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT, config.TOOL_TIMEOUT / 3) * 1000;
      const health = await checkHealth(session, config.MCP_SESSION_POOL_HEALTH_CHECK_METHODS, timeoutMs);
      session.isSuspect = false;
      if (health === 'silent') {
        const detail = `${url} did not answer to a check in ${Math.round(timeoutMs)} ms`;
        circuits.of(url).failed(new GatewayError('GW_UPSTREAM_TIMEOUT', { detail }));
      }
      return health === 'good';
    };

  const sharedOf = (address: UpstreamAddress): Shared => {
    let known = shared.get(address.id);
    if (known === undefined) {
      const limit = new CallLimit(() => config.TOOL_CONCURRENT_LIMIT);
      known = { limit, budget: new RetryBudget() };
      shared.set(address.id, known);
    }
    return known;
  };
  /** Undefined while nothing is passed on: the requests then have the headers of their session. */
  const passedOf = ({ headers }: Pick<Caller, 'headers'>, address: UpstreamAddress) =>
    config.ENABLE_HEADER_PASSTHROUGH ? passedHeaders(config, headers, address, passthroughNames) : undefined;
  const headersOf = (address: UpstreamAddress, opened: string[]) => (options: RequestOptions | undefined) => {
    const passed =
      config.ENABLE_HEADER_PASSTHROUGH && options?.headers !== undefined
        ? passedHeaders(config, options.headers, address, passthroughNames)
        : undefined;
    const trace = options?.trace?.upstreamHeaders;
    if (trace === undefined || trace.length === 0) return passed;
    return [...(passed ?? opened), ...trace];
  };
  const toUpstream = (address: UpstreamAddress, source: SessionSource, passed: string[]): SessionUpstream =>
    new SessionUpstream({
      url: shownUrl(address.url),
      source,
      config,
      ...sharedOf(address),
      headersOf: headersOf(address, passed),
      observe,
    });

  const pools = new Pools({
    create(address, passed) {
      const session = { ...ownSession, passed, silenceMs: pooledSilenceMs };
      const open = (timeoutMs: number) => guarded(address, { ...session, timeoutMs });
      const pool = new SessionPool({ url: shownUrl(address.url), config, open, verify: verify(address), counts });
      return { pool, upstream: toUpstream(address, pool, passed) };
    },
    passedOf,
    isAuthRequired: () => config.AUTH_REQUIRED,
    idleEvictionMs: () => config.MCP_SESSION_POOL_IDLE_EVICTION * 1000,
    counts,
  });
  const clients = new ClientSessions({
    open: guarded,
    goodbyeMs,
    toUpstream,
    verify,
    timeoutMs: () => config.TOOL_TIMEOUT * 1000,
  });

  const sweeper = setInterval(() => {
    const nowMs = performance.now();
    pools.sweep(nowMs);
    circuits.sweep();
  }, sweepEveryMs(config)).unref();

  return {
    connect(address) {
      parseUrl(address.url);
      const open = (timeoutMs: number) => dial(address, { ...ownSession, timeoutMs });
      return toUpstream(address, new LoneSession({ url: shownUrl(address.url), open, goodbyeMs }), []);
    },
    of(address, caller) {
      if (caller.session !== undefined) {
        return clients.of(address, caller.session, passedOf(caller, address) ?? []);
      }
      if (config.MCP_SESSION_POOL_ENABLED) return pools.of(address, caller);
      const passed = passedOf(caller, address) ?? [];
      const open = (timeoutMs: number) => guarded(address, { ...ownSession, passed, timeoutMs });
      return toUpstream(address, new FreshSessions({ url: shownUrl(address.url), open, goodbyeMs }), passed);
    },
    broadcast: (session, method, paramsJson) => clients.broadcast(session, method, paramsJson),
    async check(address) {
      const session = await dial(address, { ...ownSession, timeoutMs: config.GATEWAY_HEALTH_CHECK_TIMEOUT * 1000 });
      try {
        if (config.MCP_SESSION_POOL_EXPLICIT_HEALTH_RPC) {
          await session.request('ping', undefined, config.HEALTH_CHECK_TIMEOUT * 1000, undefined, undefined);
        }
      } finally {
        void session.close(goodbyeMs());
      }
    },
    poolMetrics: () =>
      toPoolMetrics({
        isEnabled: config.MCP_SESSION_POOL_ENABLED,
        counts,
        pools: pools.pools(),
        clientSessions: clients.size,
        circuits: circuits.report(),
      }),
    async [Symbol.asyncDispose]() {
      clearInterval(sweeper);
      circuits[Symbol.dispose]();
      await Promise.allSettled([pools, clients].map((one) => one[Symbol.asyncDispose]()));
      await outbound[Symbol.asyncDispose]();
    },
  };
}

/** Often enough that a session outlives its time by little, and seldom enough to cost nothing. */
function sweepEveryMs(config: SessionPoolConfig & Pick<Config, 'MCP_SESSION_POOL_IDLE_EVICTION'>): number {
  const shortest = Math.min(config.MCP_SESSION_POOL_TTL, config.MCP_SESSION_POOL_IDLE_EVICTION) * 1000;
  return Math.min(15_000, Math.max(50, shortest / 2));
}

// What the source documents claim of each setting, how it is tried here, and what a reader should do. The figures are not here:
// tuning.ts measures them. "Guide" is the scaling guide (seeds/001), "Tuning" the tuning guide (seeds/003).
import { join } from 'node:path';
import type { SettingName } from '../src/config.ts';

/** What is sent: see toJob in tuning.ts. */
export type RequestName =
  | 'tools/call'
  | 'tools/list'
  | 'tools/list by virtual server'
  | 'GET /tools'
  | 'GET /openapi.json'
  | 'GET /admin/metrics'
  | 'GET /admin/performance'
  | 'GET /admin/stats'
  | 'refused token';

/** Of a ratio on ÷ off; a claim holds when the measured one lies between. */
interface Claimed {
  of: 'cpu' | 'p50' | 'bytes';
  from: number;
  to: number;
}

export interface TuningRow {
  /** What --only takes; unique. */
  name: string;
  settings: SettingName[];
  claim: string;
  section: string;
  claimed: Claimed;
  request: RequestName;
  /** Sent with each request. */
  headers?: Record<string, string>;
  /** For both gateways: what the setting needs to be seen. */
  base?: Record<string, string>;
  off: Partial<Record<SettingName, string>>;
  on: Partial<Record<SettingName, string>>;
  connections?: number;
  /** Gateways on all cores, beside the load: for what adds processes. */
  isUnpinned?: true;
  advice: string;
  /** Why the claim does not hold here, told when it does not. */
  reason?: string;
}

type Rest = Omit<TuningRow, 'name' | 'settings' | 'off' | 'on'> & { name?: string };

/** A switch, false → true. */
function toggle(setting: SettingName, rest: Rest): TuningRow {
  return { name: setting, settings: [setting], off: { [setting]: 'false' }, on: { [setting]: 'true' }, ...rest };
}

const faster = (of: 'cpu' | 'p50', atLeastTimes: number): Claimed => ({ of, from: 0, to: 1 / atLeastTimes });
const costsUpTo = (times: number): Claimed => ({ of: 'cpu', from: 0, to: times });
const costsMoreThan = (times: number): Claimed => ({ of: 'cpu', from: times, to: Number.POSITIVE_INFINITY });
const uncachedLists = { REGISTRY_CACHE_ENABLED: 'false' };
const logged = { LOG_LEVEL: 'info', DISABLE_ACCESS_LOG: 'false' };
const adminRoutes = { MCPGATEWAY_ADMIN_API_ENABLED: 'true' };
const noPlugins = { PLUGINS_CONFIG_FILE: join(import.meta.dirname, '../../bench/no-plugins.json') };
const brotli = { 'accept-encoding': 'br' };
const gzip = { 'accept-encoding': 'gzip' };

const caches: TuningRow[] = [
  toggle('MCP_SESSION_POOL_ENABLED', {
    claim: '10–20 × lower latency of repeated calls; elsewhere: about 10 % more requests/s',
    section: 'Tuning §6; §9',
    claimed: faster('p50', 10),
    request: 'tools/call',
    connections: 1,
    advice: 'leave on (the default): without it each call opens and closes a session upstream',
    reason:
      'a session costs three further HTTP exchanges; the upstream here answers them at once over loopback, so only their CPU is saved. The gain grows with the distance and the start-up work of an upstream',
  }),
  toggle('AUTH_CACHE_ENABLED', {
    claim: '8–15 ms → 1–3 ms, 3–4 queries → 0–1 per request',
    section: 'Guide §7; Tuning §9, §10',
    claimed: faster('p50', 2.5),
    request: 'tools/call',
    connections: 1,
    advice: 'leave on; shorten AUTH_CACHE_REVOCATION_TTL if a revoked token must stop sooner on other instances',
    reason: 'without the cache it is one statement here, not 3 to 4, and requests at the same time share it',
  }),
  toggle('AUTH_CACHE_BATCH_QUERIES', {
    claim: 'three queries in one',
    section: 'Guide §7; Tuning §9',
    claimed: faster('p50', 1),
    request: 'tools/call',
    connections: 1,
    base: { AUTH_CACHE_ENABLED: 'false' },
    advice: 'leave on; matters for the first request of each user only, or with the cache off (as measured)',
  }),
  toggle('JWT_CACHE_ENABLED', {
    claim: '5–12 ms → under 1 ms per request',
    section: 'Guide §7',
    claimed: faster('p50', 5),
    request: 'tools/call',
    connections: 1,
    advice: 'leave on',
    reason: 'verifying an HS256 token takes tens of microseconds here, not milliseconds: there is less to save',
  }),
  toggle('REGISTRY_CACHE_ENABLED', {
    name: 'REGISTRY_CACHE_ENABLED/MCP',
    claim: 'negligible for MCP requests: they do not use it',
    section: 'Tuning §9',
    claimed: { of: 'p50', from: 0.97, to: 1.03 },
    request: 'tools/list',
    advice: 'leave on',
    reason: 'here MCP lists come from the same memory as REST lists, as text that is ready to send',
  }),
  toggle('REGISTRY_CACHE_ENABLED', {
    name: 'REGISTRY_CACHE_ENABLED/REST',
    claim: '50–200 queries → 0–1 per list, 80–95 % less database load',
    section: 'Guide §7; Tuning §10',
    claimed: faster('p50', 2),
    request: 'GET /tools',
    advice: 'leave on',
    reason: 'an uncached page here is one or two queries, not 50 to 200',
  }),
  toggle('TOOL_LOOKUP_CACHE_ENABLED', {
    claim: 'improves performance; do not disable',
    section: 'Tuning §10',
    claimed: faster('cpu', 1),
    request: 'tools/call',
    connections: 1,
    advice: 'leave on: off is one query per call',
  }),
  toggle('METRICS_CACHE_ENABLED', {
    claim: 'caches aggregate queries',
    section: 'Guide §7',
    claimed: faster('p50', 1),
    request: 'GET /admin/metrics',
    base: adminRoutes,
    advice: 'leave on; the gain grows with the number of records',
  }),
  toggle('ADMIN_STATS_CACHE_ENABLED', {
    claim: '15–20 queries → 0–2 per look at the dashboard',
    section: 'Guide §7',
    claimed: faster('p50', 2),
    request: 'GET /admin/stats',
    base: adminRoutes,
    connections: 1,
    advice: 'leave on',
    reason: 'without it the counts are two statements or so here, not 15 to 20',
  }),
  {
    name: 'CACHE_TYPE',
    settings: ['CACHE_TYPE'],
    claim: 'redis: significant, shared by workers',
    section: 'Tuning §1, §9',
    claimed: faster('p50', 1.03),
    request: 'tools/call',
    off: { CACHE_TYPE: 'database' },
    on: { CACHE_TYPE: 'redis' },
    advice: '`redis` when several instances must see a change at once, or share sessions; not for speed',
    reason:
      'each worker keeps what it needs in its own memory in all three modes: Redis carries the changes, not the reads',
  },
];

const database: TuningRow[] = [
  {
    name: 'DB_PREPARE_THRESHOLD',
    settings: ['DB_PREPARE_THRESHOLD'],
    claim: 'repeated queries 2–3 × faster; elsewhere: 5–15 % of each query saved',
    section: 'Guide §5',
    claimed: faster('p50', 1.05),
    request: 'GET /tools',
    base: uncachedLists,
    off: { DB_PREPARE_THRESHOLD: '0' },
    on: { DB_PREPARE_THRESHOLD: '5' },
    advice: 'leave at 5; 0 behind a pooler that does not carry prepared statements (found out by itself)',
  },
  {
    name: 'DB_POOL_CLASS/call',
    settings: ['DB_POOL_CLASS'],
    claim: '`null` loses about 55 % of the requests/s of MCP',
    section: 'Tuning §9',
    claimed: { of: 'p50', from: 1.8, to: Number.POSITIVE_INFINITY },
    request: 'tools/call',
    off: { DB_POOL_CLASS: 'queue' },
    on: { DB_POOL_CLASS: 'null' },
    advice: 'leave at `auto`',
    reason: 'a tools/call in steady state uses no database connection',
  },
  {
    name: 'DB_POOL_CLASS/list',
    settings: ['DB_POOL_CLASS'],
    claim: 'the same, for a request that asks the database (lists not cached)',
    section: 'Tuning §9',
    claimed: { of: 'p50', from: 1.8, to: Number.POSITIVE_INFINITY },
    request: 'GET /tools',
    base: uncachedLists,
    connections: 4,
    off: { DB_POOL_CLASS: 'queue' },
    on: { DB_POOL_CLASS: 'null' },
    advice: 'leave at `auto`: each use would open a connection',
  },
];

const records: TuningRow[] = [
  {
    name: 'LOG_LEVEL',
    settings: ['LOG_LEVEL'],
    claim: 'DEBUG very high, INFO high overhead; ERROR for production',
    section: 'Guide §7; Tuning §5, §8.6',
    claimed: costsMoreThan(1.1),
    request: 'tools/call',
    off: { LOG_LEVEL: 'error' },
    on: { LOG_LEVEL: 'debug' },
    advice: '`info` is fine in production; what costs is a line per request (next row)',
    reason: 'nothing is logged per request at any level unless the access log is on',
  },
  {
    name: 'DISABLE_ACCESS_LOG',
    settings: ['DISABLE_ACCESS_LOG'],
    claim: 'massive I/O overhead of the access log',
    section: 'Guide §7; Tuning §2c',
    claimed: costsMoreThan(1.1),
    request: 'tools/call',
    base: { LOG_LEVEL: 'info' },
    off: { DISABLE_ACCESS_LOG: 'true' },
    on: { DISABLE_ACCESS_LOG: 'false' },
    advice: 'leave the access log off unless nothing before the gateway writes one',
  },
  toggle('STRUCTURED_LOGGING_DATABASE_ENABLED', {
    claim: 'very high: a database write per log entry',
    section: 'Guide §7; Tuning §10',
    claimed: costsMoreThan(1.1),
    request: 'tools/call',
    base: logged,
    advice: 'collect standard error instead; measured with the access log on both sides, so that there are entries',
  }),
  toggle('AUDIT_TRAIL_ENABLED', {
    claim: 'high: a database write per request',
    section: 'Guide §7; Tuning §10',
    claimed: costsMoreThan(1.05),
    request: 'tools/call',
    advice: 'on where an audit is asked for; its rows are written in bulk, and are what fills the disk',
  }),
  toggle('SECURITY_LOGGING_ENABLED', {
    claim: 'a database write per authentication event',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.05),
    request: 'refused token',
    advice: 'on where security events are read; costs refused requests only',
  }),
  toggle('DB_METRICS_RECORDING_ENABLED', {
    claim: 'one buffered write per execution; negligible (under 3 %)',
    section: 'Tuning §9, §10',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    advice: 'leave on unless nobody reads the figures',
    reason: 'here a call is so short that a record of it, and its share of the bulk write, shows',
  }),
  toggle('METRICS_BUFFER_ENABLED', {
    claim: 'reduces database pressure',
    section: 'Guide §7',
    claimed: faster('cpu', 1),
    request: 'tools/call',
    advice: 'leave on: off is an insert per call',
  }),
  toggle('TOKEN_USAGE_LOGGING_ENABLED', {
    claim: 'negligible: one write per token and five minutes',
    section: 'Tuning §9, §10',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    advice: 'leave on',
  }),
  toggle('CORRELATION_ID_ENABLED', {
    claim: 'negligible: one header per request',
    section: 'Tuning §9, §10',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    advice: 'off only where a proxy gives ids',
    reason: 'an id is made, answered and passed upstream: a few microseconds show on a call this short',
  }),
  toggle('PERFORMANCE_TRACKING_ENABLED', {
    claim: 'negligible: in memory',
    section: 'Tuning §9, §10',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    advice: 'leave on',
  }),
  toggle('ENABLE_METRICS', {
    claim: 'a histogram update per request',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.01),
    request: 'tools/call',
    advice: 'on wherever Prometheus scrapes: figures are worth more than this',
  }),
  toggle('LAYER_TIMINGS_ENABLED', {
    claim: 'nothing: it is ours',
    section: '—',
    claimed: { of: 'cpu', from: 0, to: Number.POSITIVE_INFINITY },
    request: 'tools/call',
    advice: 'on while looking for where the time goes',
  }),
  toggle('OBSERVABILITY_ENABLED', {
    claim: 'spans of every request, their storage',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.05),
    request: 'tools/call',
    advice: 'the dearest switch: with a collector, and OBSERVABILITY_SAMPLE_RATE well below 1 (measured at 1)',
  }),
  toggle('MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED', {
    claim: 'a walk over all sockets per look at the performance figures',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.01),
    request: 'GET /admin/performance',
    base: adminRoutes,
    connections: 4,
    advice: 'off only where that page is polled often',
  }),
  {
    name: 'METRICS_AGGREGATION_ENABLED',
    settings: ['METRICS_AGGREGATION_ENABLED', 'METRICS_ROLLUP_ENABLED', 'METRICS_CLEANUP_ENABLED'],
    claim: 'medium',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.03),
    request: 'tools/call',
    off: { METRICS_AGGREGATION_ENABLED: 'false', METRICS_ROLLUP_ENABLED: 'false', METRICS_CLEANUP_ENABLED: 'false' },
    on: { METRICS_AGGREGATION_ENABLED: 'true', METRICS_ROLLUP_ENABLED: 'true', METRICS_CLEANUP_ENABLED: 'true' },
    advice: 'leave on: without the cleanup the table of records grows for ever',
    reason: 'they run once an hour, or when the figures are asked for, not with requests',
  },
];

const edge: TuningRow[] = [
  {
    name: 'MCPGATEWAY_UI_ENABLED',
    settings: ['MCPGATEWAY_UI_ENABLED', 'MCPGATEWAY_ADMIN_API_ENABLED'],
    claim: 'high: checks on every request, rendering, further routes',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.03),
    request: 'tools/call',
    off: { MCPGATEWAY_UI_ENABLED: 'false', MCPGATEWAY_ADMIN_API_ENABLED: 'false' },
    on: { MCPGATEWAY_UI_ENABLED: 'true', MCPGATEWAY_ADMIN_API_ENABLED: 'true' },
    advice: 'on where somebody looks at it',
    reason: 'its routes are beside the others: a tool call does not pass them',
  },
  toggle('PLUGINS_ENABLED', {
    claim: 'high: hooks on every request',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.03),
    request: 'tools/call',
    base: noPlugins,
    advice: 'on when there is a plugin to run; each costs what it does',
    reason: 'measured without a plugin: what nobody hooks costs nothing',
  }),
  toggle('JSON_RESPONSE_ENABLED', {
    claim: 'required: JSON instead of event-stream framing',
    section: 'Tuning §9',
    claimed: faster('cpu', 1),
    request: 'tools/call',
    advice: 'leave on; clients that accept both read either',
  }),
  toggle('VALIDATION_MIDDLEWARE_ENABLED', {
    claim: 'negligible for MCP',
    section: 'Tuning §9',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    advice: 'on costs little; schemas check all bodies anyway',
  }),
  toggle('SECURITY_HEADERS_ENABLED', {
    claim: 'near zero',
    section: 'Tuning §10',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    advice: 'leave on unless a proxy sets them',
    reason: 'Node writes each header of each answer, which shows on a call this short',
  }),
  {
    name: 'CORS_ENABLED',
    settings: ['CORS_ENABLED', 'SSRF_PROTECTION_ENABLED', 'PASSWORD_POLICY_ENABLED', 'WELL_KNOWN_ENABLED'],
    claim: 'negligible',
    section: 'Tuning §10',
    claimed: costsUpTo(1.03),
    request: 'tools/call',
    off: {
      CORS_ENABLED: 'false',
      SSRF_PROTECTION_ENABLED: 'false',
      PASSWORD_POLICY_ENABLED: 'false',
      WELL_KNOWN_ENABLED: 'false',
    },
    on: {
      CORS_ENABLED: 'true',
      SSRF_PROTECTION_ENABLED: 'true',
      PASSWORD_POLICY_ENABLED: 'true',
      WELL_KNOWN_ENABLED: 'true',
    },
    advice: 'leave on: protection, not performance',
  },
  {
    name: 'MCPGATEWAY_ELICITATION_ENABLED',
    settings: ['MCPGATEWAY_ELICITATION_ENABLED', 'MCPGATEWAY_TOOL_CANCELLATION_ENABLED', 'SSE_KEEPALIVE_ENABLED'],
    claim: 'medium',
    section: 'Tuning §10',
    claimed: costsMoreThan(1.03),
    request: 'tools/call',
    off: {
      MCPGATEWAY_ELICITATION_ENABLED: 'false',
      MCPGATEWAY_TOOL_CANCELLATION_ENABLED: 'false',
      SSE_KEEPALIVE_ENABLED: 'false',
    },
    on: {
      MCPGATEWAY_ELICITATION_ENABLED: 'true',
      MCPGATEWAY_TOOL_CANCELLATION_ENABLED: 'true',
      SSE_KEEPALIVE_ENABLED: 'true',
    },
    advice: 'leave on',
    reason: 'a call that uses none of them pays for none of them',
  },
  toggle('COMPRESSION_ENABLED', {
    name: 'COMPRESSION_ENABLED/size',
    claim: '30–70 % fewer bytes',
    section: 'Guide §7',
    claimed: { of: 'bytes', from: 0.3, to: 0.7 },
    request: 'GET /openapi.json',
    headers: brotli,
    advice: 'on without a compressing proxy. An answer that is asked for again is compressed once and kept',
    reason: 'lists and descriptions repeat themselves: more is saved',
  }),
  toggle('COMPRESSION_ENABLED', {
    name: 'COMPRESSION_ENABLED/brotli',
    claim: 'CPU under 5 % (brotli at 4)',
    section: 'Guide §7',
    claimed: costsUpTo(1.05),
    request: 'tools/list by virtual server',
    headers: brotli,
    advice: 'off behind nginx that compresses; on where bandwidth is the limit',
    reason: 'a list here is text that is ready: compressing an answer that is new each time is most of its cost',
  }),
  toggle('COMPRESSION_ENABLED', {
    name: 'COMPRESSION_ENABLED/gzip',
    claim: 'CPU under 5 % (gzip at 6)',
    section: 'Guide §7',
    claimed: costsUpTo(1.05),
    request: 'tools/list by virtual server',
    headers: gzip,
    advice: 'as above; clients that take br and gzip get br',
    reason: 'as above',
  }),
  {
    name: 'COMPRESSION_BROTLI_QUALITY',
    settings: ['COMPRESSION_BROTLI_QUALITY'],
    claim: '3 for speed, 11 for size',
    section: 'Guide §7',
    claimed: { of: 'bytes', from: 0, to: 0.99 },
    request: 'tools/list by virtual server',
    headers: brotli,
    connections: 4,
    off: { COMPRESSION_BROTLI_QUALITY: '3' },
    on: { COMPRESSION_BROTLI_QUALITY: '11' },
    advice: 'leave at 4; 11 never on answers that change',
  },
  {
    name: 'COMPRESSION_GZIP_LEVEL',
    settings: ['COMPRESSION_GZIP_LEVEL'],
    claim: '4 for speed, 9 for size',
    section: 'Guide §7',
    claimed: { of: 'bytes', from: 0, to: 0.99 },
    request: 'tools/list by virtual server',
    headers: gzip,
    off: { COMPRESSION_GZIP_LEVEL: '4' },
    on: { COMPRESSION_GZIP_LEVEL: '9' },
    advice: 'leave at 6',
    reason: 'lists of tools are so regular that the fast level finds nearly all there is',
  },
  {
    name: 'WORKERS',
    settings: ['WORKERS'],
    claim: 'as many as cores: too few leave the CPU idle',
    section: 'Guide §2; Tuning §9',
    claimed: faster('p50', 1.2),
    request: 'tools/call',
    off: { WORKERS: '1' },
    on: { WORKERS: '2' },
    isUnpinned: true,
    advice: 'the number of cores that the gateway has for itself; more gain nothing',
    reason: 'two cores carry gateway, load, upstream and PostgreSQL here: there is no idle core for a second worker',
  },
];

export const tuningRows: readonly TuningRow[] = [...caches, ...database, ...records, ...edge];

/** Claims without a setting of ours, or measured by another bench: the rest of the row is told in tuning.ts. */
export const rowsWithoutSetting: readonly { what: string; claim: string; section: string; told: string }[] = [
  {
    what: 'GlobalConfig cache',
    claim: '42,000 queries saved per load test',
    section: 'Guide §7',
    told: '`GLOBAL_CONFIG_CACHE_TTL`: headers passed to all upstreams may stand in the database; they are read in the background, so no request waits for them, and not at all while pass-through is off',
  },
  {
    what: 'hiredis, uvloop, httptools, Granian',
    claim: 'up to 83 ×; 20–40 %; 40–60 %; 20–50 %',
    section: 'Guide §6, §7; Tuning §2b, §2c',
    told: 'parts of a Python process; Node has one event loop (libuv) and one HTTP parser (llhttp). [settings.md](settings.md) lists what is accepted and means nothing here',
  },
];

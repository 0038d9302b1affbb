// Calls of upstream MCP servers.
import { Type } from 'typebox';
import { sessionPoolSettings } from './session-pool.ts';
import { count, flag, seconds } from './setting.ts';

const connections = { minimum: 1, maximum: 10_000 };

export const upstreamSettings = {
  TOOL_TIMEOUT: seconds('longest wait for the answer of an upstream', {
    default: 60,
    minimum: 0.05,
    maximum: 3600,
    live: true,
  }),
  HTTPX_MAX_CONNECTIONS: count('connections to one upstream, per worker; standing streams are apart', {
    default: 100,
    ...connections,
    live: true,
    sourceNote: 'the source counts the connections to all upstreams together',
  }),
  HTTPX_MAX_KEEPALIVE_CONNECTIONS: count('of them, those that are kept open when they are idle', {
    default: 20,
    ...connections,
    live: true,
  }),
  HTTPX_KEEPALIVE_EXPIRY: seconds('how long an idle connection to an upstream is kept', {
    default: 5,
    minimum: 0.1,
    maximum: 3600,
    live: true,
  }),
  HTTPX_CONNECT_TIMEOUT: seconds('longest wait for an upstream to accept a connection', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
    live: true,
  }),
  HTTPX_READ_TIMEOUT: seconds('longest silence of an upstream within an answer, outside the session pool', {
    default: 30,
    minimum: 0.05,
    maximum: 3600,
    live: true,
  }),
  HTTPX_POOL_TIMEOUT: seconds('longest wait for a free connection to an upstream', {
    default: 5,
    minimum: 0.01,
    maximum: 600,
    live: true,
  }),
  TOOL_CONCURRENT_LIMIT: count('tool calls to one upstream at a time, per worker; further ones wait; 0: no limit', {
    default: 0,
    minimum: 0,
    maximum: 100_000,
    live: true,
    sourceNote: '10 in the source; here the limits on connections and sessions do without it',
  }),
  RETRY_MAX_ATTEMPTS: count('attempts at a request that may be carried out twice (lists, reads, annotated tools)', {
    default: 3,
    minimum: 1,
    maximum: 20,
    live: true,
  }),
  RETRY_BASE_DELAY: seconds('wait before the second attempt; doubled for each further one, half of it random', {
    default: 1,
    minimum: 0.001,
    maximum: 600,
    live: true,
  }),
  RETRY_MAX_DELAY: seconds('longest wait between two attempts', {
    default: 60,
    minimum: 0.001,
    maximum: 3600,
    live: true,
  }),
  HEALTH_CHECK_INTERVAL: seconds('time between two health checks of an upstream', {
    default: 60,
    minimum: 0.05,
    maximum: 86_400,
    live: true,
  }),
  HEALTH_CHECK_TIMEOUT: seconds('longest wait for the ping of MCP_SESSION_POOL_EXPLICIT_HEALTH_RPC', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
    live: true,
    sourceNote: '10 in the Scaling Guide',
  }),
  GATEWAY_HEALTH_CHECK_TIMEOUT: seconds('longest opening of a session for a health check', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
    live: true,
  }),
  UNHEALTHY_THRESHOLD: count('health checks that fail in a row before an upstream leaves the lists', {
    default: 3,
    minimum: 1,
    maximum: 1000,
    live: true,
  }),
  ENABLE_HEADER_PASSTHROUGH: flag('pass headers of a client on to upstreams', false, { live: true }),
  DEFAULT_PASSTHROUGH_HEADERS: Type.String({
    default: 'X-Tenant-Id,X-Trace-Id',
    pattern: `^[A-Za-z0-9_,"'\\s[\\]-]*$`,
    description:
      'which ones, separated by commas or as a JSON list; the token for this gateway stays here unless Authorization is named',
    live: true,
  }),
  GLOBAL_CONFIG_CACHE_TTL: seconds(
    'how long the headers that were set for all upstreams (PUT /admin/config/passthrough-headers) are kept in memory before the database is asked again',
    { default: 60, minimum: 0.05, maximum: 3600, live: true },
  ),
  ...sessionPoolSettings,
};

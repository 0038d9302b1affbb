// Calls of upstream MCP servers.
import { count, seconds } from './setting.ts';

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
    sourceNote: 'the source counts the connections to all upstreams together',
  }),
  HTTPX_MAX_KEEPALIVE_CONNECTIONS: count('of them, those that are kept open when they are idle', {
    default: 20,
    ...connections,
  }),
  HTTPX_KEEPALIVE_EXPIRY: seconds('how long an idle connection to an upstream is kept', {
    default: 5,
    minimum: 0.1,
    maximum: 3600,
  }),
  HTTPX_CONNECT_TIMEOUT: seconds('longest wait for an upstream to accept a connection', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
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
  MCP_SESSION_POOL_CREATE_TIMEOUT: seconds('longest opening of a session with an upstream', {
    default: 30,
    minimum: 0.05,
    maximum: 600,
    live: true,
  }),
  MCP_SESSION_POOL_CLEANUP_TIMEOUT: seconds('longest goodbye to an upstream when a session with it is closed', {
    default: 5,
    minimum: 0.05,
    maximum: 60,
    live: true,
    sourceNote: 'the Tuning Guide recommends 0.5',
  }),
};

// Sessions and streams of MCP clients.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

export const sessionSettings = {
  USE_STATEFUL_SESSIONS: flag(
    'give MCP clients sessions: a stream for messages from upstreams, subscriptions, sampling, elicitation, resumption; off: any worker serves any request',
    false,
  ),
  JSON_RESPONSE_ENABLED: flag(
    'answer with JSON unless something has to be streamed before the answer; off: with an event stream whenever the client takes one',
    true,
    { live: true },
  ),
  SESSION_TTL: seconds('how long an idle MCP session is kept, in memory and, with CACHE_TYPE=redis, in Redis', {
    default: 3600,
    minimum: 0.05,
    maximum: 604_800,
    live: true,
  }),
  MESSAGE_TTL: seconds('how long what was sent to a session is kept for a client that comes back for it', {
    default: 600,
    minimum: 0.05,
    maximum: 604_800,
    live: true,
  }),
  MAX_SESSIONS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: 'MCP sessions at a time',
    live: true,
  }),
  SSE_KEEPALIVE_ENABLED: flag('send keep-alive comments on event streams', true, { live: true }),
  SSE_KEEPALIVE_INTERVAL: seconds('time between two keep-alive comments on an event stream', {
    default: 30,
    minimum: 0.05,
    maximum: 3600,
    live: true,
  }),
  WEBSOCKET_PING_INTERVAL: seconds('time between two pings on a WebSocket; one unanswered ends it', {
    default: 30,
    minimum: 0.05,
    maximum: 3600,
  }),
  MCPGATEWAY_ELICITATION_ENABLED: flag('hand elicitation requests of upstreams on to clients', true, { live: true }),
  MCPGATEWAY_ELICITATION_TIMEOUT: seconds(
    'longest wait for the answer of a client to elicitation, sampling or roots requests',
    { default: 60, minimum: 0.05, maximum: 3600, live: true },
  ),
  MCPGATEWAY_ELICITATION_MAX_CONCURRENT: count('requests to one client that may wait for its answer', {
    default: 100,
    minimum: 1,
    maximum: 100_000,
    live: true,
  }),
  MCPGATEWAY_TOOL_CANCELLATION_ENABLED: flag('let clients cancel running requests of their session', true, {
    live: true,
  }),
};

// The pool of sessions with upstream MCP servers, and the circuit breaker in front of it.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

const wait = { minimum: 0.05, maximum: 600, live: true } as const;

export const sessionPoolSettings = {
  MCP_SESSION_POOL_ENABLED: flag('keep sessions with upstreams; off: one session per call', true, {
    live: true,
    sourceNote: 'off in the source: its sessions can be shared by users; here a session never serves two identities',
  }),
  MCP_SESSION_POOL_MAX_PER_KEY: count('sessions per upstream, identity and transport', {
    default: 10,
    minimum: 1,
    maximum: 10_000,
    live: true,
    sourceNote: '50 to 200 for high concurrency there: its sessions carry one call at a time, ours many',
  }),
  MCP_SESSION_POOL_CALLS_PER_SESSION: count('calls that one session carries at a time before another is opened', {
    default: 100,
    minimum: 1,
    maximum: 100_000,
    live: true,
  }),
  MCP_SESSION_POOL_TTL: seconds('age at which a pooled session is closed', {
    default: 300,
    minimum: 0.2,
    maximum: 86_400,
    live: true,
  }),
  MCP_SESSION_POOL_TRANSPORT_TIMEOUT: seconds('longest silence of an upstream within an answer to a pooled session', {
    default: 30,
    minimum: 0.05,
    maximum: 3600,
    live: true,
  }),
  MCP_SESSION_POOL_HEALTH_CHECK_INTERVAL: seconds('a session that was idle for this long is checked before its use', {
    default: 60,
    minimum: 0.05,
    maximum: 86_400,
    live: true,
  }),
  MCP_SESSION_POOL_HEALTH_CHECK_METHODS: Type.String({
    default: 'ping,skip',
    pattern: `^[[\\]"'\\s]*(ping|list_tools|list_prompts|list_resources|skip)([\\]["'\\s]*,[[\\]"'\\s]*(ping|list_tools|list_prompts|list_resources|skip))*[\\]"'\\s]*$`,
    description:
      'how it is checked, in this order until one is known to the upstream: ping, list_tools, list_prompts, list_resources, skip (no check)',
    live: true,
  }),
  MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT: seconds('longest wait for the answer to each check', {
    default: 5,
    ...wait,
  }),
  MCP_SESSION_POOL_ACQUIRE_TIMEOUT: seconds('longest wait for a session when all carry as much as they may', {
    default: 30,
    ...wait,
  }),
  MCP_SESSION_POOL_CREATE_TIMEOUT: seconds('longest opening of a session', { default: 30, ...wait }),
  MCP_SESSION_POOL_IDLE_EVICTION: seconds('sessions of an identity that was idle for this long are closed', {
    default: 600,
    minimum: 0.2,
    maximum: 86_400,
    live: true,
  }),
  MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD: count('openings that fail in a row before an upstream is left alone', {
    default: 5,
    minimum: 1,
    maximum: 1000,
    live: true,
  }),
  MCP_SESSION_POOL_CIRCUIT_BREAKER_RESET: seconds('how long it is left alone', {
    default: 60,
    minimum: 0.05,
    maximum: 86_400,
    live: true,
  }),
  MCP_SESSION_POOL_EXPLICIT_HEALTH_RPC: flag(
    'the health check of an upstream sends a ping, also in a fresh session',
    false,
    {
      live: true,
    },
  ),
  MCP_SESSION_POOL_CLEANUP_TIMEOUT: seconds('longest goodbye to an upstream when a session is closed', {
    default: 5,
    minimum: 0.05,
    maximum: 60,
    live: true,
    sourceNote: 'the Tuning Guide recommends 0.5',
  }),
  MCP_SESSION_POOL_TERMINATE_ON_CLOSE: flag('say goodbye (DELETE) to an upstream when a session is closed', true, {
    live: true,
    sourceNote:
      'terminate_on_close there; the Tuning Guide recommends false for pooled sessions, which it closes after each use',
  }),
};

// Calls of upstream MCP servers.
import { Type } from 'typebox';
import { seconds } from './setting.ts';

export const upstreamSettings = {
  TOOL_TIMEOUT: seconds('longest wait for the answer of an upstream', { default: 60, minimum: 0.05, maximum: 3600 }),
  HTTPX_MAX_CONNECTIONS: Type.Integer({
    default: 200,
    minimum: 1,
    maximum: 10_000,
    description: 'connections to one upstream',
  }),
  HTTPX_KEEPALIVE_EXPIRY: seconds('how long an idle connection to an upstream is kept', {
    default: 30,
    minimum: 0.1,
    maximum: 3600,
  }),
  HTTPX_CONNECT_TIMEOUT: seconds('longest wait for an upstream to accept a connection', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
  }),
};

// Sessions and streams of MCP clients.
import { Type } from 'typebox';
import { seconds } from './setting.ts';

export const sessionSettings = {
  SESSION_TTL: seconds('how long an idle MCP session is kept', { default: 3600, minimum: 0.05, maximum: 604_800 }),
  MAX_SESSIONS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: 'MCP sessions at a time',
  }),
  SSE_KEEPALIVE_INTERVAL: seconds('time between two keep-alive comments on an event stream', {
    default: 30,
    minimum: 0.05,
    maximum: 3600,
  }),
};

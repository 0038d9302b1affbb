// Gateways that find each other through Redis (REDIS_URL).
import { Type } from 'typebox';
import { seconds } from './setting.ts';

export const federationSettings = {
  GATEWAY_NAME: Type.String({
    default: '',
    maxLength: 255,
    description: 'name of this gateway for the others; empty: of the host',
  }),
  GATEWAY_URL: Type.String({
    default: '',
    pattern: '^$|^https?://.+',
    description: 'where the others reach this gateway, as they register it; empty: the address that it listens on',
  }),
  GATEWAY_ID: Type.String({
    default: '',
    pattern: '^[A-Za-z0-9._-]{0,64}$',
    description:
      'what tells this gateway from all others, the same for all its workers; empty: made of host name and address',
  }),
  REDIS_LEADER_TTL: seconds('how long the lead and the word of a gateway last without a heartbeat', {
    default: 15,
    minimum: 0.2,
    maximum: 3600,
  }),
  REDIS_LEADER_HEARTBEAT_INTERVAL: seconds('time between two heartbeats; less than half of REDIS_LEADER_TTL', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
  }),
};

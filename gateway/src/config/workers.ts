// The processes that serve, and what happens to them.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

export const workerSettings = {
  WORKERS: Type.String({
    default: '0',
    pattern: '^(auto|[0-9]|[1-9][0-9])$',
    description:
      'worker processes; auto: 2 × CPU + 1, at most 16; 0: the process itself serves, and nobody respawns, recycles or restarts it',
    live: true,
    sourceNote: 'auto (2 × CPU + 1, at most 16) for Gunicorn, CPU cores (at most 16) for Granian',
  }),
  MAX_REQUESTS: count('requests after which a worker is replaced by a new one; 0: never', {
    default: 100_000,
    minimum: 0,
    maximum: 1_000_000_000,
    live: true,
  }),
  MAX_REQUESTS_JITTER: count('a worker takes up to this many requests more, so that not all are replaced at once', {
    default: 100,
    minimum: 0,
    maximum: 1_000_000_000,
    live: true,
  }),
  TIMEOUT: seconds('a worker whose event loop stands still for so long is killed and replaced; 0: never', {
    default: 600,
    minimum: 0,
    maximum: 86_400,
    live: true,
  }),
  RESPAWN_FAILED: flag('replace a worker that ended by itself', true, { live: true }),
  DEV_MODE: flag('restart the workers when the program or the .env file changes; also --dev', false),
};

// A server profile is checked against the gateway's own schema before anything is started: a misspelt setting would be
// ignored by the gateway, and something else be measured than was asked for.
import { Config, loadConfig } from '@gatebench/gateway/config';
import { HarnessError } from '../errors.ts';
import type { ServerProfile } from '../plan/infrastructure-profile.ts';
import { toMessage } from './cleanup-stack.ts';

/** Names that the gateway or Node reads although they are not in the gateway's schema. */
const alsoKnown = ['DB_POOL_MAX_OVERFLOW', 'NODE_OPTIONS', 'UV_THREADPOOL_SIZE'];

/** The environment that a server profile stands for. */
export function toEnvironment(settings: ServerProfile['settings']): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
}

/**
 * The configuration that the gateway makes of a server profile, defaults filled in.
 * @throws HarnessError PROFILE_INVALID with every fault
 */
export function resolveSettings({ id, settings }: ServerProfile): Config {
  const unknown = Object.keys(settings).filter((name) => !(name in Config.properties || alsoKnown.includes(name)));
  if (unknown.length > 0) {
    throw new HarnessError('PROFILE_INVALID', {
      detail: `server profile '${id}' /settings: the gateway has no setting ${unknown.join(', ')}`,
    });
  }
  try {
    // The secret is made for each run; here it only has to be long enough.
    return loadConfig({ ...toEnvironment(settings), JWT_SECRET_KEY: '-'.repeat(32) });
  } catch (cause) {
    throw new HarnessError('PROFILE_INVALID', {
      detail: `server profile '${id}' /settings: ${toMessage(cause)}`,
      cause,
    });
  }
}

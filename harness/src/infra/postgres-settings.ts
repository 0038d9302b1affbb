// The settings of PostgreSQL for one run: its profile, and room for the connections that the gateways may open.
import { resolveSettings } from './gateway-settings.ts';
import type { InfrastructureRequest } from './infrastructure.ts';

/** Collectors, resets, connections reserved for superusers. */
const OWN_CONNECTIONS = 20;

/** PostgreSQL's own default. */
const DEFAULT_MAX_CONNECTIONS = 100;

/** WORKERS=auto may be that many. */
const MOST_WORKERS = 16;

/**
 * Each worker has a pool of its own. A profile that names max_connections is obeyed, also when that is too few: then this is what is measured.
 * @throws HarnessError PROFILE_INVALID when the server profile breaks the gateway's schema
 */
export function toPostgresSettings({
  postgresProfile,
  serverProfile,
  subjects,
}: Pick<InfrastructureRequest, 'postgresProfile' | 'serverProfile' | 'subjects'>): Record<string, string | number> {
  const { DB_POOL_SIZE, DB_MAX_OVERFLOW, WORKERS } = resolveSettings(serverProfile);
  const pools = WORKERS === 'auto' ? MOST_WORKERS : Math.max(1, Number(WORKERS));
  const needed = (DB_POOL_SIZE + DB_MAX_OVERFLOW) * pools * subjects.length + OWN_CONNECTIONS;
  return { max_connections: Math.max(DEFAULT_MAX_CONNECTIONS, needed), ...postgresProfile.settings };
}

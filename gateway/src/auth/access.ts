// Everything that decides who may do what, put together: one of these per process.
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Log, Store } from '../store/store.ts';
import { Grants } from './grants.ts';
import { passwordFaults } from './passwords.ts';
import { Roles } from './roles.ts';
import { Teams } from './teams.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

export interface Access {
  grants: Grants;
  users: Users;
  teams: Teams;
  roles: Roles;
  tokens: Tokens;
}

export interface AccessOptions {
  config: Config;
  store: Store;
  caches: Caches;
}

export function createAccess({ config, store, caches }: AccessOptions): Access {
  const grants = new Grants({ config, store, caches });
  return {
    grants,
    users: new Users({ store, config, grants }),
    teams: new Teams({ store, config, grants, caches }),
    roles: new Roles({ store, grants }),
    tokens: new Tokens({ store, config, grants }),
  };
}

/**
 * The first administrator, when PLATFORM_ADMIN_PASSWORD is set and there is no such user; an existing one keeps its password.
 * @throws GW_CONFIG_INVALID for a password that the policy refuses
 */
export async function createPlatformAdmin({ users }: Access, config: Config, log: Log): Promise<void> {
  const { PLATFORM_ADMIN_EMAIL: email, PLATFORM_ADMIN_PASSWORD: password, PLATFORM_ADMIN_FULL_NAME } = config;
  if (password === '' || (await users.find(email)) !== undefined) return;
  const faults = passwordFaults(password, config);
  if (faults.length > 0) {
    throw new GatewayError('GW_CONFIG_INVALID', { detail: `PLATFORM_ADMIN_PASSWORD ${faults.join(', ')}` });
  }
  const wanted = { email, password, full_name: PLATFORM_ADMIN_FULL_NAME, is_admin: true, is_active: true };
  try {
    await users.create(wanted, 'gateway');
    log.info({ email }, 'the platform administrator was created');
  } catch (error) {
    // Another process of ours was first.
    if (!(error instanceof GatewayError && error.code === 'GW_CONFLICT')) throw error;
  }
}

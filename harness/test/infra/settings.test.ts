import { describe, expect, it } from 'vitest';
import { resolveSettings } from '../../src/infra/gateway-settings.ts';
import { inheritedEnvironment } from '../../src/infra/inherited-environment.ts';
import { toPostgresSettings } from '../../src/infra/postgres-settings.ts';
import type { ServerProfile } from '../../src/plan/infrastructure-profile.ts';
import {
  folders,
  idsIn,
  readInfrastructureProfile,
  readPostgresProfile,
  readServerProfile,
} from '../../src/plan/read.ts';
import { requireDiskSpace } from '../../src/result/disk-space.ts';
import { scratchFolder } from './processes.ts';

const profile = (settings: ServerProfile['settings']): ServerProfile => ({ id: 'p', description: '', settings });
const postgresProfile = { id: 'default', description: '', settings: {} };
const subject = { name: 'current', folder: '', build: '' } as const;

describe('a server profile', () => {
  it('is what the gateway’s own schema makes of it', () => {
    expect(resolveSettings(profile({ DB_POOL_SIZE: 7, JWT_CACHE_ENABLED: false }))).toMatchObject({
      DB_POOL_SIZE: 7,
      JWT_CACHE_ENABLED: false,
    });
  });

  it('is refused for a setting that the gateway does not know, and for a value out of its limits', () => {
    expect(() => resolveSettings(profile({ DB_POOL_SZE: 7 }))).toThrow(/PROFILE_INVALID.*DB_POOL_SZE/);
    expect(() => resolveSettings(profile({ DB_POOL_SIZE: 0 }))).toThrow(/PROFILE_INVALID.*DB_POOL_SIZE/);
  });
});

describe('PostgreSQL’s settings', () => {
  it('leave room for every connection that the gateways may open', () => {
    const serverProfile = profile({ DB_POOL_SIZE: 40, DB_MAX_OVERFLOW: 80 });
    const subjects = [subject, { ...subject, name: 'reference' as const }];
    const settings = toPostgresSettings({ postgresProfile, serverProfile, subjects });
    expect(settings['max_connections']).toBe(260);
  });

  it('leave room for the pool of every worker', () => {
    const room = (workers: number | string) => {
      const serverProfile = profile({ DB_POOL_SIZE: 20, DB_MAX_OVERFLOW: 40, WORKERS: workers });
      return toPostgresSettings({ postgresProfile, serverProfile, subjects: [subject] })['max_connections'];
    };
    expect([room(0), room(4), room('auto')]).toEqual([100, 260, 980]);
  });

  it('keep PostgreSQL’s default where that is enough, and the profile’s own figure in any case', () => {
    const serverProfile = profile({});
    const subjects = [subject];
    expect(toPostgresSettings({ postgresProfile, serverProfile, subjects })['max_connections']).toBe(100);
    const own = { ...postgresProfile, settings: { max_connections: 30 } };
    expect(toPostgresSettings({ postgresProfile: own, serverProfile, subjects })['max_connections']).toBe(30);
  });
});

describe('the profiles of the repository', () => {
  it('all keep to their schemas, and the gateway accepts every server profile', () => {
    for (const id of idsIn(folders.serverProfiles)) expect(resolveSettings(readServerProfile(id))).toBeDefined();
    for (const id of idsIn(folders.postgresProfiles)) expect(readPostgresProfile(id).id).toBe(id);
    for (const id of idsIn(folders.infrastructure)) {
      const infrastructure = readInfrastructureProfile(id);
      expect(readServerProfile(infrastructure.serverProfile).id).toBe(infrastructure.serverProfile);
      expect(readPostgresProfile(infrastructure.postgres.profile).id).toBe(infrastructure.postgres.profile);
    }
  });
});

describe('the environment of what is started', () => {
  it('has nothing of the user’s shell but what every program needs', () => {
    const shell = { PATH: '/bin', DATABASE_URL: 'postgresql://prod', NODE_OPTIONS: '--inspect', HOME: '/root' };
    expect(inheritedEnvironment(shell)).toEqual({ PATH: '/bin', HOME: '/root' });
  });
});

describe('disk space', () => {
  it('that is too little is told with both figures', () => {
    const folder = scratchFolder();
    expect(() => requireDiskSpace(folder, 1e18)).toThrow(/DISK_FULL.*MB left, 1000000000000 MB are needed/);
    expect(() => requireDiskSpace(folder, 1)).not.toThrow();
  });
});

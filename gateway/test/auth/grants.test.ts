// The memory behind the authentication, on a clock of its own and a database that counts its questions.
import { afterEach, expect, it, vi } from 'vitest';
import { Grants } from '../../src/auth/grants.ts';
import type { Grant, Identity } from '../../src/auth/identity.ts';
import { Caches } from '../../src/cache/caches.ts';
import { GatewayError } from '../../src/errors.ts';
import { configOf } from '../config-of.ts';

afterEach(() => {
  vi.useRealTimers();
});

interface Row {
  kind: string;
  a: string;
  b?: string | null;
  c?: string | null;
  d?: string | null;
}

const active: Row = { kind: 'user', a: 'ada@x', b: '0', c: '1', d: '2020-01-01T00:00:00.000Z' };
const reader: Row = { kind: 'permissions', a: 'platform_viewer', b: null };

function start(settings: Record<string, string> = {}) {
  const state = {
    nowMs: 0,
    rows: [active, reader] as Row[],
    questions: 0,
    answer: async () => undefined as unknown,
  };
  const config = configOf(settings);
  const store = {
    async query() {
      state.questions++;
      const { rows } = state;
      await state.answer();
      return { rows: rows.map((row) => ({ b: null, c: null, d: null, ...row })) } as never;
    },
  };
  const caches = new Caches();
  const grants = new Grants({ config, store, caches, now: () => state.nowMs });
  return { state, config, caches, grants };
}

function identityOf(more: Partial<Identity> = {}): Identity {
  return {
    sub: 'ada@x',
    expiresAt: undefined,
    issuedAt: 1_700_000_000,
    jti: 'token-1',
    claimsAdmin: false,
    use: undefined,
    teams: undefined,
    serverId: undefined,
    permissions: undefined,
    grant: undefined,
    ...more,
  };
}

const down = async () => {
  throw new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: 'down' });
};

const codeOf = async (run: () => Grant | Promise<Grant>) => {
  try {
    await run();
    return 'admitted';
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
};

it('asks the database once for everything, and then not at all and without a promise', async () => {
  const { state, grants, caches } = start();
  const identity = identityOf();
  const first = grants.admit(identity);
  expect(first).toBeInstanceOf(Promise);
  const grant = await first;
  expect(state.questions).toBe(1);
  for (let times = 0; times < 1000; times++) expect(grants.admit(identity)).toBe(grant);
  // Read anew, the same token is known by its parts.
  expect(grants.admit(identityOf())).not.toBeInstanceOf(Promise);
  expect(state.questions).toBe(1);
  const user = caches.stats().find(({ name }) => name === 'auth_user');
  expect(user).toMatchObject({ hits: 1001, misses: 1, size: 1 });
});

it('asks for each part by itself when questions are not put together', async () => {
  const { state, grants } = start({ AUTH_CACHE_BATCH_QUERIES: 'false' });
  await grants.admit(identityOf());
  expect(state.questions).toBe(4);
  state.nowMs = 31_000; // the revocation is too old, the rest is not
  await grants.admit(identityOf());
  expect(state.questions).toBe(5);
});

it('asks on every request when nothing may be remembered', async () => {
  for (const [settings, each] of [
    [{ AUTH_CACHE_ENABLED: 'false' }, 1],
    [{ AUTH_CACHE_ENABLED: 'false', AUTH_CACHE_BATCH_QUERIES: 'false' }, 4],
    [{ AUTH_CACHE_TEAMS_ENABLED: 'false', AUTH_CACHE_BATCH_QUERIES: 'false' }, 1],
  ] as const) {
    const { state, grants } = start(settings);
    const identity = identityOf();
    await grants.admit(identity);
    const before = state.questions;
    for (let times = 0; times < 3; times++) await grants.admit(identity);
    expect(state.questions - before, JSON.stringify(settings)).toBe(3 * each);
  }
});

it.each([
  ['AUTH_CACHE_USER_TTL', identityOf()],
  ['AUTH_CACHE_REVOCATION_TTL', identityOf()],
  ['AUTH_CACHE_ROLE_TTL', identityOf()],
  ['AUTH_CACHE_TEAMS_TTL', identityOf()],
  ['AUTH_CACHE_TEAM_TTL', identityOf({ teams: ['t'] })],
] as const)('%s says how long its part is good, also when it is changed meanwhile', async (setting, identity) => {
  const long = { AUTH_CACHE_USER_TTL: '100', AUTH_CACHE_REVOCATION_TTL: '100', AUTH_CACHE_ROLE_TTL: '100' };
  const { state, config, grants } = start({ ...long, AUTH_CACHE_TEAMS_TTL: '100', AUTH_CACHE_TEAM_TTL: '100' });
  config[setting] = 10;
  await grants.admit(identity);
  state.nowMs = 9_999;
  await grants.admit({ ...identity, grant: undefined });
  expect(state.questions).toBe(1);
  state.nowMs = 10_001;
  await grants.admit({ ...identity, grant: undefined });
  expect(state.questions).toBe(2);
});

it('renews in the background what is in use, so that nobody waits', async () => {
  const { state, grants } = start();
  const identity = identityOf();
  await grants.admit(identity);
  state.nowMs = 25_000; // of the revocation's 30 s
  for (let times = 0; times < 10; times++) expect(grants.admit(identity)).not.toBeInstanceOf(Promise);
  await vi.waitFor(() => expect(identity.grant?.renewAtMs).toBeGreaterThan(25_000));
  expect(state.questions).toBe(2);
  state.nowMs = 40_000;
  expect(grants.admit(identity)).not.toBeInstanceOf(Promise);
  expect(state.questions).toBe(2);
});

it('asks once for fifty who come at a time', async () => {
  const { state, grants } = start();
  await Promise.all(Array.from({ length: 50 }, () => grants.admit(identityOf())));
  expect(state.questions).toBe(1);
});

it('refuses a revoked token and a deactivated user within the time of the setting, and at once when told', async () => {
  for (const row of [
    { kind: 'isRevoked', a: 'token-1' },
    { ...active, c: '0' },
  ]) {
    const { state, grants } = start();
    const identity = identityOf();
    await grants.admit(identity);
    state.rows = row.kind === 'user' ? [row] : [active, row];
    state.nowMs = 61_000;
    expect(await codeOf(() => grants.admit(identity)), row.kind).toBe('GW_UNAUTHORIZED');

    const told = start();
    const other = identityOf();
    await told.grants.admit(other);
    told.state.rows = state.rows;
    expect(await codeOf(() => told.grants.admit(other))).toBe('admitted');
    told.grants.changed(row.kind === 'user' ? 'user' : 'token', row.kind === 'user' ? 'ADA@x' : 'token-1');
    expect(await codeOf(() => told.grants.admit(other))).toBe('GW_UNAUTHORIZED');
  }
});

it('forgets what another process says was written', async () => {
  const { state, grants, caches } = start();
  const identity = identityOf();
  await grants.admit(identity);
  state.rows = [{ ...active, b: '1' }];
  caches.drop('auth_user', 'ada@x');
  expect((await grants.admit(identity)).isAdmin).toBe(true);
});

it('tells the other processes what was written here', () => {
  const { grants, caches } = start();
  const told: string[] = [];
  caches.onInvalidate((name, key) => told.push(`${name} ${key}`));
  grants.changed('token', 'token-1');
  grants.changed('user', 'Ada@X');
  expect(told).toEqual(expect.arrayContaining(['auth_revocation token-1', 'auth_user ada@x', 'auth_role ada@x']));
});

it('does not keep what was read while it was written', async () => {
  const { state, grants } = start();
  let go = () => {};
  state.answer = () => new Promise<void>((resolve) => (go = resolve));
  const identity = identityOf();
  const admitted = codeOf(() => grants.admit(identity));
  state.rows = [active, { kind: 'isRevoked', a: 'token-1' }];
  grants.changed('token', 'token-1');
  state.answer = async () => undefined;
  go();
  expect(await admitted).toBe('GW_UNAUTHORIZED');
});

it('goes on without the database with whom it knows, for two minutes and not for strangers', async () => {
  const { state, grants } = start();
  const identity = identityOf();
  await grants.admit(identity);
  state.answer = down;
  state.nowMs = 31_000;
  expect(await codeOf(() => grants.admit(identity))).toBe('admitted');
  state.nowMs = 119_000;
  expect(await codeOf(() => grants.admit(identityOf()))).toBe('admitted');
  expect(await codeOf(() => grants.admit(identityOf({ sub: 'eve@x', jti: 'other' })))).toBe('GW_DATABASE_UNAVAILABLE');
  state.nowMs = 121_000;
  expect(await codeOf(() => grants.admit(identity))).toBe('GW_DATABASE_UNAVAILABLE');
  state.answer = async () => undefined;
  expect(await codeOf(() => grants.admit(identity))).toBe('admitted');
});

it('does not believe what was declared wrong, database or not', async () => {
  const { state, grants } = start();
  const identity = identityOf();
  await grants.admit(identity);
  state.answer = down;
  grants.changed('token', 'token-1');
  expect(await codeOf(() => grants.admit(identity))).toBe('GW_DATABASE_UNAVAILABLE');
});

it('waits a second for a database that hangs, and then not again for a while', async () => {
  vi.useFakeTimers();
  const { state, grants } = start();
  const identity = identityOf();
  await grants.admit(identity);
  state.answer = () => new Promise(() => undefined);
  state.nowMs = 31_000;
  const admitted = codeOf(() => grants.admit(identity));
  await vi.advanceTimersByTimeAsync(1000);
  expect(await admitted).toBe('admitted');
  expect(grants.admit(identity)).not.toBeInstanceOf(Promise);
});

it('lets the users table decide who is an administrator, and the token only where it has no row', async () => {
  const isAdmin = async (rows: Row[], more: Partial<Identity>, settings = {}) => {
    const { state, grants } = start(settings);
    state.rows = rows;
    return (await grants.admit(identityOf(more))).isAdmin;
  };
  expect(await isAdmin([], { claimsAdmin: true })).toBe(true);
  expect(await isAdmin([], {})).toBe(false);
  expect(await isAdmin([], { sub: 'ADMIN@example.com' })).toBe(true);
  expect(await isAdmin([], { sub: 'root@x' }, { PLATFORM_ADMIN_EMAIL: 'root@x' })).toBe(true);
  expect(await isAdmin([active], { claimsAdmin: true })).toBe(false);
  expect(await isAdmin([{ ...active, b: '1' }], {})).toBe(true);
  expect(await isAdmin([active, { kind: 'permissions', a: 'platform_admin' }], {})).toBe(true);
  expect(await isAdmin([active, { kind: 'permissions', a: 'x', b: '["*"]' }], {})).toBe(true);
  for (const limit of [{ serverId: 's' }, { permissions: ['tools.read'] }, { teams: ['t'] }]) {
    expect(await isAdmin([], { claimsAdmin: true, ...limit }), JSON.stringify(limit)).toBe(false);
  }
});

it('gives a token no more than its user has, and no team that the user is not in', async () => {
  const { state, grants } = start();
  state.rows = [active, reader, { kind: 'teams', a: 'mine' }];
  const limited = identityOf({ permissions: ['tools.read', 'tools.delete'], teams: ['mine', 'theirs'] });
  const grant = await grants.admit(limited);
  expect([[...(grant.permissions ?? [])], grant.teams]).toEqual([['tools.read'], ['mine']]);
});

it('asks for a row where the setting does, and always for a session', async () => {
  const open = start();
  open.state.rows = [];
  expect(await codeOf(() => open.grants.admit(identityOf({ sub: 'admin' })))).toBe('admitted');
  expect(await codeOf(() => open.grants.admit(identityOf({ jti: 'b', use: 'session' })))).toBe('GW_UNAUTHORIZED');
  const strict = start({ REQUIRE_USER_IN_DB: 'true' });
  strict.state.rows = [];
  expect(await codeOf(() => strict.grants.admit(identityOf({ sub: 'admin' })))).toBe('GW_UNAUTHORIZED');
});

it('keeps the permissions of a user who holds no role: none', async () => {
  const { state, grants } = start();
  state.rows = [active];
  expect((await grants.admit(identityOf())).permissions).toEqual(new Set());
});

// Settings of users, logins and teams: each with a value that is not the default.
import { expect, it } from 'vitest';
import { describeWithSqlite, useSqlite } from '../databases.ts';
import { type AccessApp, adminPassword, startAccessApp, userPassword } from './access-app.ts';

const users = '/auth/email/admin/users';

describeWithSqlite('settings of access', () => {
  const database = useSqlite();
  const start = async (name: string, settings: Record<string, string>) =>
    startAccessApp(await database.create(name), settings);
  const tryLogin = (gateway: AccessApp, email: string, password: string) =>
    gateway.call('POST', '/auth/login', undefined, { email, password });

  it('PLATFORM_ADMIN_EMAIL, _PASSWORD and _FULL_NAME make the first administrator; without a password there is none', async () => {
    const named = { PLATFORM_ADMIN_EMAIL: 'root@corp.example', PLATFORM_ADMIN_FULL_NAME: 'Root of Corp' };
    await using gateway = await start('named', { ...named, PLATFORM_ADMIN_PASSWORD: 'Another-Horse-2' });
    const token = await gateway.login('root@corp.example', 'Another-Horse-2');
    const { json } = await gateway.call('GET', '/auth/email/me', token);
    expect(json).toMatchObject({ email: 'root@corp.example', full_name: 'Root of Corp', is_admin: true });
    expect((await tryLogin(gateway, 'admin@example.com', adminPassword)).status).toBe(401);
    await using without = await start('without', { PLATFORM_ADMIN_PASSWORD: '' });
    expect((await tryLogin(without, 'admin@example.com', adminPassword)).status).toBe(401);
  });

  it('TOKEN_EXPIRY: a login’s token is good for so many minutes', async () => {
    await using gateway = await start('expiry', { TOKEN_EXPIRY: '7' });
    const { json } = await tryLogin(gateway, 'admin@example.com', adminPassword);
    expect(json.expires_in).toBe(420);
    const { iat, exp } = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString());
    expect(exp - iat).toBe(420);
  });

  it('MAX_FAILED_LOGIN_ATTEMPTS and ACCOUNT_LOCKOUT_DURATION_MINUTES: how soon and how long an account is locked', async () => {
    const settings = { MAX_FAILED_LOGIN_ATTEMPTS: '2', ACCOUNT_LOCKOUT_DURATION_MINUTES: '90' };
    await using gateway = await start('lockout', settings);
    const admin = await gateway.login('admin@example.com', adminPassword);
    await gateway.call('POST', users, admin, { email: 'ada@example.com', password: userPassword, full_name: 'Ada' });
    await tryLogin(gateway, 'ada@example.com', 'wrong');
    await gateway.login('ada@example.com', userPassword); // and counting begins anew
    await tryLogin(gateway, 'ada@example.com', 'wrong');
    await tryLogin(gateway, 'ada@example.com', 'wrong');
    expect((await tryLogin(gateway, 'ada@example.com', userPassword)).status).toBe(401);
    const { json } = await gateway.call('GET', `${users}/ada@example.com`, admin);
    const minutes = (Date.parse(json.locked_until) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(88);
    expect(minutes).toBeLessThanOrEqual(90);
  });

  it('FAILED_LOGIN_MIN_RESPONSE_MS: a refused login is not answered sooner', async () => {
    await using gateway = await start('slow', { FAILED_LOGIN_MIN_RESPONSE_MS: '1500' });
    const time = async (password: string) => {
      const startedAt = performance.now();
      const { status } = await tryLogin(gateway, 'admin@example.com', password);
      return { status, ms: performance.now() - startedAt };
    };
    const refused = await time('wrong');
    expect(refused.status).toBe(401);
    expect(refused.ms).toBeGreaterThanOrEqual(1490);
    const admitted = await time(adminPassword);
    expect(admitted.status).toBe(200);
    expect(admitted.ms).toBeLessThan(refused.ms);
  });

  it('MAX_MEMBERS_PER_TEAM holds for teams that say nothing of their own', async () => {
    await using gateway = await start('members', { MAX_MEMBERS_PER_TEAM: '1' });
    const admin = await gateway.login('admin@example.com', adminPassword);
    await gateway.call('POST', users, admin, { email: 'ada@example.com', password: userPassword, full_name: 'Ada' });
    const add = async (team: object) => {
      const { json } = await gateway.call('POST', '/teams', admin, team);
      return (await gateway.call('POST', `/teams/${json.id}/members`, admin, { email: 'ada@example.com' })).status;
    };
    expect(await add({ name: 'Full' })).toBe(409);
    expect(await add({ name: 'Its own', max_members: 2 })).toBe(201);
  });
});

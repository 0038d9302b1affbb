import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithEachDatabase } from '../databases.ts';
import { type AccessApp, adminPassword, startAccessApp, tokenOf, userPassword } from './access-app.ts';

const admin = 'admin@example.com';
const users = '/auth/email/admin/users';

describeWithEachDatabase('users and logins', (useDatabase) => {
  const database = useDatabase();
  let gateway: AccessApp;
  let adminToken = '';
  beforeAll(async () => {
    gateway = await startAccessApp(await database.create('users'), { MAX_FAILED_LOGIN_ATTEMPTS: '3' });
    adminToken = await gateway.login(admin, adminPassword);
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  const create = (email: string, more: object = {}) =>
    gateway.call('POST', users, adminToken, { email, password: userPassword, full_name: 'Ada', ...more });

  it('lets the first administrator in, who may do everything', async () => {
    const { status, json } = await gateway.call('POST', '/auth/email/login', undefined, {
      email: ' ADMIN@example.com ',
      password: adminPassword,
    });
    expect([status, json.token_type, json.expires_in]).toEqual([200, 'bearer', 10_080 * 60]);
    expect(json.user).toMatchObject({ email: admin, is_admin: true, is_active: true, failed_login_attempts: 0 });
    const { json: me } = await gateway.call('GET', '/auth/email/me', json.access_token);
    expect(me).toMatchObject({ email: admin, full_name: 'Platform Administrator', is_admin: true });
    const claims = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({
      sub: admin,
      token_use: 'session',
      user: { email: admin, is_admin: true },
      jti: expect.any(String),
    });
    expect((await gateway.call('GET', users, json.access_token)).status).toBe(200);
  });

  it('creates, changes and deletes users; a name is taken once, in whatever case', async () => {
    const { status, json } = await create('Ada@Example.com');
    expect([status, json.email, json.is_admin]).toEqual([201, 'ada@example.com', false]);
    expect(JSON.stringify(json)).not.toMatch(/scrypt|password_hash/);
    expect((await create('ada@example.COM')).status).toBe(409);
    const { json: changed } = await gateway.call('PUT', `${users}/ada@example.com`, adminToken, { full_name: 'A. L.' });
    expect(changed.full_name).toBe('A. L.');
    expect((await gateway.call('GET', `${users}?limit=1`, adminToken)).json).toHaveLength(1);
    expect((await gateway.call('DELETE', `${users}/ada@example.com`, adminToken)).status).toBe(200);
    expect((await gateway.call('GET', `${users}/ada@example.com`, adminToken)).status).toBe(404);
  });

  it('keeps the doors of administrators shut to everybody else', async () => {
    await create('eve@example.com');
    const eve = await gateway.login('eve@example.com', userPassword);
    // A claim in a token counts for nothing where the users table says otherwise.
    const forged = tokenOf('eve@example.com', { isAdmin: true });
    for (const token of [eve, forged, tokenOf('stranger')]) {
      for (const [method, url] of [
        ['GET', users],
        ['POST', users],
        ['PUT', `${users}/eve@example.com`],
        ['DELETE', `${users}/${admin}`],
        ['GET', '/rbac/roles'],
        ['POST', '/rbac/users/eve@example.com/roles'],
      ] as const) {
        const { status, json } = await gateway.call(method, url, token, method === 'GET' ? undefined : {});
        expect([status, json.code], `${method} ${url}`).toEqual([403, 'GW_FORBIDDEN']);
      }
    }
    expect((await gateway.call('GET', users, tokenOf('operator', { isAdmin: true }))).status).toBe(200);
    expect((await gateway.call('GET', users, tokenOf('Admin@example.com'))).status).toBe(200);
  });

  it('answers alike to a wrong password, an unknown user, a locked and a deactivated one', async () => {
    await create('locked@example.com');
    await create('gone@example.com', { is_active: false });
    const attempt = (email: string, password: string) =>
      gateway.call('POST', '/auth/login', undefined, { email, password });
    const wrong = await attempt('locked@example.com', 'x');
    for (let times = 0; times < 3; times++) await attempt('locked@example.com', 'x');
    for (const [email, password] of [
      ['nobody@example.com', userPassword],
      ['locked@example.com', userPassword],
      ['gone@example.com', userPassword],
      ["' or 1=1 --", userPassword],
    ] as const) {
      const { status, json } = await attempt(email, password);
      expect([status, json], email).toEqual([401, wrong.json]);
    }
    const { json } = await gateway.call('GET', `${users}/locked@example.com`, adminToken);
    expect(json).toMatchObject({ is_locked: true, locked_until: expect.any(String) });
    await gateway.call('POST', `${users}/locked@example.com/unlock`, adminToken);
    expect((await attempt('locked@example.com', userPassword)).status).toBe(200);
  });

  it('works as long for an unknown user as for a wrong password', async () => {
    await create('slow@example.com');
    const time = async (email: string) => {
      const startedAt = performance.now();
      await gateway.call('POST', '/auth/login', undefined, { email, password: 'wrong' });
      return performance.now() - startedAt;
    };
    await time('slow@example.com');
    const [known, unknown] = [await time('slow@example.com'), await time('nobody-at-all@example.com')];
    // Hashing is nearly all of it: without it an unknown user would be answered within a few milliseconds.
    expect(unknown).toBeGreaterThan(known / 4);
  });

  it('ends the sessions of a user who is deactivated, deleted or has a new password, at once', async () => {
    const url = '/tools';
    await create('bob@example.com');
    const first = await gateway.login('bob@example.com', userPassword);
    expect((await gateway.call('GET', url, first)).status).toBe(200);
    await gateway.call('PATCH', `${users}/bob@example.com`, adminToken, { is_active: false });
    expect((await gateway.call('GET', url, first)).status).toBe(401);
    await gateway.call('PATCH', `${users}/bob@example.com`, adminToken, { is_active: true });

    await new Promise((resolve) => setTimeout(resolve, 1100)); // tokens tell the second in which they were made
    const second = await gateway.login('bob@example.com', userPassword);
    const change = { old_password: 'no', new_password: 'Another-Pass-3' };
    expect((await gateway.call('POST', '/auth/email/change-password', second, change)).status).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const right = { ...change, old_password: userPassword };
    expect((await gateway.call('POST', '/auth/email/change-password', second, right)).status).toBe(200);
    expect((await gateway.call('GET', url, second)).status).toBe(401);
    const third = await gateway.login('bob@example.com', 'Another-Pass-3');
    expect((await gateway.call('GET', url, third)).status).toBe(200);
    await gateway.call('DELETE', `${users}/bob@example.com`, adminToken);
    expect((await gateway.call('GET', url, third)).status).toBe(401);
  });

  it('refuses weak passwords, telling every rule and never the password', async () => {
    const { status, json } = await create('weak@example.com', { password: 'sesame' });
    expect(status).toBe(422);
    expect(json.faults.map((fault: { message: string }) => fault.message)).toEqual([
      expect.stringContaining('8 characters'),
      expect.stringContaining('upper-case'),
      expect.stringContaining('neither letter nor digit'),
    ]);
    const long = await create('weak@example.com', { password: `sesame${'x'.repeat(2000)}` });
    expect(long.status).toBe(422);
    expect(JSON.stringify([json, long.json, gateway.logged])).not.toContain('sesame');
  });

  it('keeps the last administrator', async () => {
    for (const change of [{ is_admin: false }, { is_active: false }]) {
      expect((await gateway.call('PUT', `${users}/${admin}`, adminToken, change)).status).toBe(409);
    }
    expect((await gateway.call('DELETE', `${users}/${admin}`, adminToken)).status).toBe(409);
  });

  it('lets viewers read and nothing else, and developers call tools', async () => {
    await create('viewer@example.com');
    const viewer = await gateway.login('viewer@example.com', userPassword);
    expect((await gateway.call('GET', '/tools', viewer)).status).toBe(200);
    for (const [method, url] of [
      ['POST', '/gateways'],
      ['PUT', '/tools/x'],
      ['DELETE', '/servers/x'],
      ['POST', '/tools/x/toggle'],
      ['POST', '/gateways/x/tools/refresh'],
    ] as const) {
      const { status, json } = await gateway.call(method, url, viewer, {});
      expect([status, json.code], url).toEqual([403, 'GW_FORBIDDEN']);
    }
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: {} } };
    const refused = await gateway.call('POST', '/rpc', viewer, call);
    expect(refused.json.error).toMatchObject({ code: -32003, data: { code: 'GW_FORBIDDEN' } });
    await gateway.call('POST', '/rbac/users/viewer@example.com/roles', adminToken, { role_id: 'developer' });
    const admitted = await gateway.call('POST', '/rpc', viewer, call);
    expect(admitted.json.error.code).toBe(-32602); // there is no such tool
    expect((await gateway.call('DELETE', '/servers/x', viewer)).status).toBe(404);
    await gateway.call('DELETE', '/rbac/users/viewer@example.com/roles/developer', adminToken);
    expect((await gateway.call('DELETE', '/servers/x', viewer)).status).toBe(403);
  });

  it('gives what a role of one’s own making says, and takes it away with the role', async () => {
    const role = { name: 'server-keeper', permissions: ['servers.create', 'servers.delete'] };
    const { json } = await gateway.call('POST', '/rbac/roles', adminToken, role);
    await create('keeper@example.com');
    const keeper = await gateway.login('keeper@example.com', userPassword);
    expect((await gateway.call('DELETE', '/servers/x', keeper)).status).toBe(403);
    await gateway.call('POST', '/rbac/users/keeper@example.com/roles', adminToken, { role_id: json.id });
    expect((await gateway.call('DELETE', '/servers/x', keeper)).status).toBe(404);
    expect((await gateway.call('GET', '/rbac/my/permissions', keeper)).json).toContain('servers.delete');
    await gateway.call('DELETE', `/rbac/roles/${json.id}`, adminToken);
    expect((await gateway.call('DELETE', '/servers/x', keeper)).status).toBe(403);
    const unknown = { name: 'all', permissions: ['everything'] };
    expect((await gateway.call('POST', '/rbac/roles', adminToken, unknown)).status).toBe(422);
  });
});

import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testSecret } from '../config-of.ts';
import { describeWithEachDatabase } from '../databases.ts';
import { type AccessApp, adminPassword, startAccessApp, tokenOf, upstreamUrl, userPassword } from './access-app.ts';

const users = '/auth/email/admin/users';

describeWithEachDatabase('API tokens, teams and what is forged', (useDatabase) => {
  const database = useDatabase();
  let gateway: AccessApp;
  let admin = '';
  let ada = '';
  let eve = '';
  beforeAll(async () => {
    gateway = await startAccessApp(await database.create('tokens'), { DEFAULT_USER_ROLE: 'developer' });
    admin = await gateway.login('admin@example.com', adminPassword);
    for (const email of ['ada@example.com', 'eve@example.com']) {
      await gateway.call('POST', users, admin, { email, password: userPassword });
    }
    ada = await gateway.login('ada@example.com', userPassword);
    eve = await gateway.login('eve@example.com', userPassword);
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  const create = async (name: string, more: object = {}, by = ada) =>
    (await gateway.call('POST', '/tokens', by, { name, ...more })).json as {
      access_token: string;
      token: { id: string };
    };

  it('makes tokens that speak for their owner until they are revoked, here at once', async () => {
    const { access_token, token } = await create('ci', { expires_in_days: 7, tags: ['ci'] });
    expect(token).toMatchObject({ name: 'ci', user_email: 'ada@example.com', is_active: true, tags: ['ci'] });
    expect((await gateway.call('GET', '/auth/email/me', access_token)).json.email).toBe('ada@example.com');
    const { json } = await gateway.call('GET', '/tokens', ada);
    expect(json).toMatchObject({ total: 1, limit: 50, offset: 0, tokens: [{ id: token.id }] });
    expect(JSON.stringify(json)).not.toContain(access_token.split('.')[2]);
    const { status } = await gateway.call('DELETE', `/tokens/${token.id}`, ada, { reason: 'leaked' });
    expect(status).toBe(204);
    expect((await gateway.call('GET', '/auth/email/me', access_token)).status).toBe(401);
    expect((await gateway.call('GET', '/tokens', ada)).json.tokens).toEqual([]);
    const { json: all } = await gateway.call('GET', '/tokens?include_inactive=true', ada);
    expect(all.tokens[0]).toMatchObject({
      is_revoked: true,
      revocation_reason: 'leaked',
      revoked_by: 'ada@example.com',
    });
    expect((await gateway.call('POST', '/tokens', ada, { name: 'ci' })).status).toBe(409);
  });

  it('shows and revokes nobody else’s', async () => {
    const { token } = await create('mine');
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await gateway.call(method, `/tokens/${token.id}`, eve)).status).toBe(404);
    }
    expect((await gateway.call('GET', '/tokens', eve)).json.tokens).toEqual([]);
    expect((await gateway.call('GET', `/tokens/${token.id}`, admin)).status).toBe(200);
  });

  it('lets no API token make tokens, log others out or change a password', async () => {
    const { access_token, token } = await create('escalate');
    for (const [method, url, body] of [
      ['POST', '/tokens', { name: 'child' }],
      ['GET', '/tokens', undefined],
      ['DELETE', `/tokens/${token.id}`, undefined],
      ['POST', '/auth/email/change-password', { old_password: userPassword, new_password: 'Another-Pass-3' }],
    ] as const) {
      expect((await gateway.call(method, url, access_token, body)).status, `${method} ${url}`).toBe(403);
    }
  });

  it('holds a token to its server and its permissions', async () => {
    const toServer = await create('one server', { scope: { server_id: 'server-1' } });
    const { access_token } = toServer;
    expect((await gateway.call('GET', '/servers/server-1', access_token)).status).toBe(404);
    for (const url of [
      '/servers',
      '/servers/server-2',
      '/servers/server-1x',
      '/tools',
      '/servers/server-1%2f..%2fserver-2',
    ]) {
      expect((await gateway.call('GET', url, access_token)).status, url).toBe(403);
    }
    expect((await gateway.call('POST', '/mcp', access_token, {})).status).toBe(403);
    const reader = await create('reader', { scope: { permissions: ['tools.read'] } });
    expect((await gateway.call('GET', '/tools', reader.access_token)).status).toBe(200);
    expect((await gateway.call('DELETE', '/tools/x', reader.access_token)).status).toBe(403);
    expect((await gateway.call('GET', '/gateways', reader.access_token)).status).toBe(403);
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };
    expect((await gateway.call('POST', '/rpc', reader.access_token, call)).json.error.code).toBe(-32003);
    expect((await gateway.call('POST', '/tokens', ada, { name: 'all', scope: { permissions: ['*'] } })).status).toBe(
      403,
    );
    // An administrator's limited token is no administrator's.
    const limited = await create('limited', { scope: { permissions: ['tools.read'] } }, admin);
    expect((await gateway.call('GET', users, limited.access_token)).status).toBe(403);
  });

  it('shows the query of a URL, where keys often stand, to those who may change it and to nobody else', async () => {
    const { json: upstream } = await gateway.call('POST', '/gateways', ada, {
      name: 'keyed',
      url: `${upstreamUrl}?key=SECRET`,
    });
    expect(upstream.url).toBe(`${upstreamUrl}?key=SECRET`);
    const api = { name: 'keyed-api', url: 'http://127.0.0.1:1/{city}?key=SECRET', request_type: 'GET' };
    const { json: tool } = await gateway.call('POST', '/tools', ada, api);
    const { access_token: reader } = await create('reads', {
      scope: { permissions: ['gateways.read', 'tools.read', 'servers.read'] },
    });
    const { access_token: keeper } = await create('keeps', {
      scope: { permissions: ['gateways.read', 'gateways.update', 'tools.read'] },
    });
    const paths = ['/gateways', `/gateways/${upstream.id}`, '/tools', `/tools/${tool.id}`];
    const seen = async (token: string) => {
      const urls: string[] = [];
      for (const path of paths) {
        const { json } = await gateway.call('GET', path, token);
        for (const one of [json].flat()) urls.push(one.url);
      }
      return [...new Set(urls)].toSorted();
    };
    const shown = ['http://127.0.0.1:1/{city}', upstreamUrl];
    // The lists of one owner are kept: what one token may see is not served to the other.
    for (let times = 0; times < 2; times++) {
      expect(await seen(reader)).toEqual(shown);
      expect(await seen(keeper)).toEqual([...shown, `${upstreamUrl}?key=SECRET`]);
      expect(await seen(ada)).toEqual([
        'http://127.0.0.1:1/{city}?key=SECRET',
        upstreamUrl,
        `${upstreamUrl}?key=SECRET`,
      ]);
    }
  });

  it('ends a session on logout, and tokens with their user', async () => {
    const session = await gateway.login('eve@example.com', userPassword);
    expect((await gateway.call('POST', '/auth/logout', session)).status).toBe(200);
    expect((await gateway.call('GET', '/tools', session)).status).toBe(401);
    expect((await gateway.call('GET', '/tools', eve)).status).toBe(200);
    await gateway.call('POST', users, admin, { email: 'short@example.com', password: userPassword });
    const login = await gateway.login('short@example.com', userPassword);
    const { access_token } = await create('left over', {}, login);
    await gateway.call('DELETE', `${users}/short@example.com`, admin);
    expect((await gateway.call('GET', '/tools', access_token)).status).toBe(401);
  });

  it('keeps teams to their members', async () => {
    const { json: team, status } = await gateway.call('POST', '/teams/', ada, { name: 'Core Team' });
    expect([status, team.slug, team.member_count, team.visibility]).toEqual([201, 'core-team', 1, 'private']);
    const path = `/teams/${team.id}`;
    expect((await gateway.call('POST', '/teams', ada, { name: 'core team' })).status).toBe(409);
    for (const [method, url, body] of [
      ['GET', path, undefined],
      ['PUT', path, { name: 'Mine' }],
      ['DELETE', path, undefined],
      ['GET', `${path}/members`, undefined],
      ['POST', `${path}/members`, { email: 'eve@example.com', role: 'owner' }],
      ['DELETE', `${path}/members/ada@example.com`, undefined],
    ] as const) {
      expect((await gateway.call(method, url, eve, body)).status, `${method} ${url}`).toBe(403);
    }
    expect((await gateway.call('GET', '/teams', eve)).json).toEqual({ teams: [], total: 0 });
    const member = { email: 'eve@example.com', role: 'member' };
    expect((await gateway.call('POST', `${path}/members`, ada, member)).status).toBe(201);
    expect((await gateway.call('POST', `${path}/members`, ada, member)).status).toBe(409);
    expect((await gateway.call('GET', `${path}/members`, eve)).json).toHaveLength(2);
    expect((await gateway.call('GET', '/teams', eve)).json.total).toBe(1);
    expect((await gateway.call('PUT', path, eve, { name: 'Mine' })).status).toBe(403);
    await gateway.call('PUT', `${path}/members/eve@example.com`, ada, { role: 'owner' });
    expect((await gateway.call('PUT', path, eve, { name: 'Ours', max_members: 2 })).json.name).toBe('Ours');
    const third = { email: 'admin@example.com' };
    expect((await gateway.call('POST', `${path}/members`, eve, third)).status).toBe(409);
    expect((await gateway.call('DELETE', `${path}/members/ada@example.com`, ada)).status).toBe(200);
    expect((await gateway.call('GET', path, ada)).status).toBe(403);
    expect((await gateway.call('DELETE', `${path}/members/eve@example.com`, eve)).status).toBe(409);
    expect((await gateway.call('DELETE', path, admin)).status).toBe(200);
  });

  it('remembers members and roles of teams for as long as the settings say', async () => {
    const { json: team } = await gateway.call('POST', '/teams', ada, { name: 'Cached' });
    const ask = async () => {
      await gateway.call('GET', `/teams/${team.id}/members`, ada);
      const before = gateway.statements();
      await gateway.call('GET', `/teams/${team.id}/members`, ada);
      return gateway.statements() - before;
    };
    expect(await ask()).toBe(1); // the team itself
    gateway.config.TEAM_CACHE_MEMBERS_TTL = 0;
    expect(await ask()).toBe(2);
    gateway.config.TEAM_CACHE_ROLE_TTL = 0;
    expect(await ask()).toBe(3);
    gateway.config.TEAM_CACHE_MEMBERS_TTL = gateway.config.TEAM_CACHE_ROLE_TTL = 60;
    gateway.config.TEAM_CACHE_ENABLED = false;
    expect(await ask()).toBe(3);
    gateway.config.TEAM_CACHE_ENABLED = true;
  });

  it('needs no statement for a token that it knows', async () => {
    const rpc = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    await gateway.call('POST', '/rpc', ada, rpc);
    const before = gateway.statements();
    for (let times = 0; times < 20; times++) await gateway.call('POST', '/rpc', ada, rpc);
    expect(gateway.statements() - before).toBe(0);
  });

  it('admits nobody by a forged token', async () => {
    const claims = { sub: 'admin@example.com', is_admin: true, aud: 'mcpgateway-api', iss: 'mcpgateway', exp: 4e9 };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = (head: object, body: object, key: string | Buffer = testSecret, hash = 'sha256') =>
      `${part(head)}.${part(body)}.${createHmac(hash, key)
        .update(`${part(head)}.${part(body)}`)
        .digest('base64url')}`;
    const hs256 = { alg: 'HS256', typ: 'JWT' };
    const [head, body, signature = ''] = hmac(hs256, { ...claims, sub: 'eve@example.com' }).split('.');
    const rs256 = `${part({ alg: 'RS256' })}.${part(claims)}`;
    const forged: Record<string, string> = {
      'no algorithm': `${part({ alg: 'none' })}.${part(claims)}.`,
      'no algorithm, in other letters': `${part({ alg: 'nOnE' })}.${part(claims)}.`,
      'no algorithm, but a signature': hmac({ alg: 'none' }, claims),
      'no head': hmac({}, claims),
      'another hash': hmac({ alg: 'HS512' }, claims, testSecret, 'sha512'),
      'HS256 by name, another hash in truth': hmac(hs256, claims, testSecret, 'sha512'),
      'a public key as the secret': hmac(hs256, claims, Buffer.from(pem)),
      'an asymmetric algorithm': `${rs256}.${signWith('sha256', Buffer.from(rs256), privateKey).toString('base64url')}`,
      'a key of its own': hmac({ ...hs256, jwk: { kty: 'oct', k: 'AA' }, kid: '../../dev/null' }, claims, ''),
      'another body': `${head}.${part(claims)}.${signature}`,
      'a cut signature': `${head}.${body}.${signature.slice(0, -2)}`,
      'no signature': `${head}.${body}.`,
      'an end in the past': hmac(hs256, { ...claims, exp: 1 }),
      'a beginning in the future': hmac(hs256, { ...claims, nbf: 4e9 }),
      'another audience': hmac(hs256, { ...claims, aud: 'other' }),
      'no audience': hmac(hs256, { ...claims, aud: undefined }),
      'another issuer': hmac(hs256, { ...claims, iss: 'other' }),
      'a subject that is no text': hmac(hs256, { ...claims, sub: { email: 'admin@example.com' } }),
    };
    expect((await gateway.call('GET', users, hmac(hs256, claims))).status).toBe(200);
    for (const [what, token] of Object.entries(forged)) {
      const { status, headers } = await gateway.call('GET', users, token);
      expect([status, headers['www-authenticate']], what).toEqual([401, 'Bearer error="invalid_token"']);
    }
  });

  it('writes no token and no password into its log or its metrics', async () => {
    await gateway.call('POST', '/auth/login', undefined, { email: 'ada@example.com', password: 'Wrong-Secret-9' });
    await gateway.call('GET', '/tools', `${ada}x`);
    await gateway.call('POST', '/tokens', ada, { name: '' });
    const metrics = await gateway.app.inject({ url: '/metrics', headers: { authorization: `Bearer ${admin}` } });
    const text = `${gateway.logged.join('\n')}${metrics.body}`;
    for (const secret of [ada, admin, ada.split('.')[2], testSecret, userPassword, adminPassword, 'Wrong-Secret-9']) {
      expect(text).not.toContain(secret);
    }
    expect(metrics.body).toContain('cache_hits_total{cache="auth_user"}');
  });

  it('registers people only where a setting says so, never as administrators or as the first one', async () => {
    const register = (more: object) =>
      gateway.call('POST', '/auth/email/register', undefined, { password: userPassword, is_admin: true, ...more });
    expect((await register({ email: 'new@example.com' })).status).toBe(403);
    gateway.config.PUBLIC_REGISTRATION_ENABLED = true;
    const { status, json } = await register({ email: 'new@example.com' });
    expect([status, json.user.is_admin]).toEqual([200, false]);
    expect((await gateway.call('GET', users, json.access_token)).status).toBe(403);
    for (const email of ['new@example.com', 'ADMIN@example.com']) {
      expect((await register({ email })).status).toBe(409);
    }
    expect((await register({ email: 'no-mail' })).status).toBe(422);
    expect((await gateway.call('GET', '/tools', tokenOf('anybody'))).status).toBe(200);
  });
});

// What a token's permissions and its user's roles let it do over MCP, and what a token of one virtual server is good for.
import { expect, test } from 'vitest';
import { builtInRoles, permissions } from '../../src/auth/built-in-roles.ts';
import { createToken } from '../../src/auth/token.ts';
import { permissionOf } from '../../src/http/permissions.ts';
import { createTestApp, type TestApp, testAppSecret } from '../test-app.ts';
import { headersOf, message } from './stateless-request.ts';

const prompt = 'fast-time-greet-user';
const needs: [method: string, params: Record<string, unknown>, permission: string][] = [
  ['tools/list', {}, 'tools.read'],
  ['tools/call', { name: 'fast-time-convert-time', arguments: {} }, 'tools.execute'],
  ['resources/list', {}, 'resources.read'],
  ['resources/templates/list', {}, 'resources.read'],
  ['resources/read', { uri: 'time://utc' }, 'resources.read'],
  ['prompts/list', {}, 'prompts.read'],
  ['prompts/get', { name: prompt }, 'prompts.read'],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: prompt }, argument: { name: 'a', value: 'b' } },
    'prompts.read',
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'time://utc' }, argument: { name: 'zone', value: 'b' } },
    'resources.read',
  ],
];

const limitedTo = (scopes: { permissions?: string[]; server_id?: string }, isAdmin = false) =>
  createToken({ secret: testAppSecret, subject: 'ada', expiresInMinutes: 5, isAdmin, claims: { scopes } });

async function ask(gateway: TestApp, url: string, method: string, params: object, bearer: string) {
  const { body } = await gateway.post(
    url,
    { jsonrpc: '2.0', id: 1, method, params },
    { authorization: `Bearer ${bearer}`, accept: 'application/json' },
  );
  return JSON.parse(body) as { result?: object; error?: { code: number; message: string } };
}

const forbidden = (permission: string) => ({
  error: { code: -32003, message: expect.stringContaining(`the permission ${permission}`) },
});

test.each(needs)('%s %j asks for %s', async (method, params, needed) => {
  await using gateway = createTestApp();
  const others = permissions.filter((permission) => permission !== needed);
  const without = limitedTo({ permissions: others });
  for (const url of ['/rpc', '/servers/server-1/mcp']) {
    expect(await ask(gateway, url, method, params, without), url).toMatchObject(forbidden(needed));
  }
  const only = limitedTo({ permissions: [needed] });
  expect(gateway.asked).toHaveLength(0);
  expect(await ask(gateway, '/rpc', method, params, only)).toMatchObject({ result: {} });
});

test.each(needs)('%s %j of a virtual server asks for servers.use too', async (method, params, needed) => {
  await using gateway = createTestApp();
  const url = '/servers/server-1/mcp';
  const refused = await ask(gateway, url, method, params, limitedTo({ permissions: [needed] }));
  expect(refused).toMatchObject(forbidden('servers.use'));
  const both = limitedTo({ permissions: [needed, 'servers.use'] });
  expect(await ask(gateway, url, method, params, both)).toMatchObject({ result: {} });
});

test('the stateless revision asks for the same', async () => {
  await using gateway = createTestApp();
  const body = message('prompts/list');
  const send = async (given: string[]) => {
    const headers = { ...headersOf(body), authorization: `Bearer ${limitedTo({ permissions: given })}` };
    return (await gateway.post('/mcp', body, headers)).json();
  };
  expect(await send(['tools.read'])).toMatchObject(forbidden('prompts.read'));
  expect(await send(['prompts.read'])).toMatchObject({ result: { prompts: [] } });
});

test.each([
  ['platform_viewer', ['tools/call']],
  ['viewer', []],
  ['team_admin', []],
  ['developer', []],
  ['platform_admin', []],
])('the role %s lists and reads everything; it is refused %j', async (role, refused: string[]) => {
  await using gateway = createTestApp({
    knowsOfUsers: async () => [
      { kind: 'user', a: 'ada', b: '0', c: '1', d: '2020-01-01T00:00:00.000Z' },
      { kind: 'permissions', a: role, b: null, c: null, d: null },
    ],
  });
  const bearer = limitedTo({});
  for (const [method, params] of needs) {
    const answer = await ask(gateway, '/servers/server-1/mcp', method, params, bearer);
    expect(answer.error?.code, method).toBe(refused.includes(method) ? -32003 : undefined);
  }
});

test('no role gives a permission that nothing asks for', () => {
  const routes = ['tools', 'resources', 'prompts', 'servers', 'gateways'].flatMap((kind) => [
    ...['GET', 'PUT', 'DELETE'].map((method) => permissionOf({ url: `/${kind}/:id`, method })),
    permissionOf({ url: `/${kind}`, method: 'POST' }),
  ]);
  const asked = new Set([...routes, ...needs.map(([, , needed]) => needed), 'servers.use']);
  expect([...permissions].sort()).toEqual([...asked].sort());
  for (const { permissions: given } of Object.values(builtInRoles)) {
    for (const permission of given) if (permission !== '*') expect(permissions).toContain(permission);
  }
});

test('a token of one virtual server speaks MCP and reads there, and changes nothing', async () => {
  await using gateway = createTestApp();
  const authorization = `Bearer ${limitedTo({ server_id: 'server-1' }, true)}`;
  const status = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', url: string) => {
    const body = method === 'GET' ? {} : { payload: { name: 'all', associatedTools: ['x'] } };
    return (await gateway.send({ method, url, headers: { authorization }, ...body })).statusCode;
  };
  const own = '/servers/server-1';
  for (const [method, url] of [
    ['PUT', own],
    ['DELETE', own],
    ['POST', `${own}/toggle`],
    ['POST', `${own}/state`],
    ['POST', '/servers'],
    ['GET', '/servers'],
    ['GET', '/servers/server-2'],
    ['GET', '/servers/server-1%2f..%2fserver-2'],
    ['GET', '/servers/server-2/sse'],
    ['POST', '/servers/server-2/mcp'],
    ['POST', '/rpc'],
  ] as const) {
    expect(await status(method, url), `${method} ${url}`).toBe(403);
  }
  // Let in: the database of this test is away.
  for (const url of [own, `${own}/tools`]) expect(await status('GET', url), url).toBe(503);
  const listed = await ask(gateway, `${own}/mcp`, 'tools/list', {}, limitedTo({ server_id: 'server-1' }));
  expect(listed).toMatchObject({ result: { tools: [{ name: 'fast-time-convert-time' }] } });
});

test('a token that is limited to permissions reads teams and changes none', async () => {
  await using gateway = createTestApp();
  const headers = { authorization: `Bearer ${limitedTo({ permissions: ['tools.read'] })}` };
  const send = async (method: 'GET' | 'POST' | 'DELETE', url: string) =>
    (await gateway.send({ method, url, headers, ...(method === 'POST' ? { payload: { name: 'Mine' } } : {}) }))
      .statusCode;
  for (const url of ['/teams', '/teams/', '/teams/t/members']) expect(await send('POST', url), url).toBe(403);
  expect(await send('DELETE', '/teams/t')).toBe(403);
  expect(await send('GET', '/teams')).toBe(200);
});

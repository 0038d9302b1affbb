// What is for a team or for its owner is nowhere to be seen for anybody else: not in lists, not by its id, not by a call, not through
// a virtual server, not from a cache that somebody else has filled.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithEachDatabase } from '../databases.ts';
import { type AccessApp, adminPassword, startAccessApp, tokenOf, upstreamUrl, userPassword } from './access-app.ts';

const admin = 'admin@example.com';

describeWithEachDatabase('visibility', (useDatabase) => {
  const database = useDatabase();
  let gateway: AccessApp;
  let url: string;
  const tokens: Record<string, string> = {};
  let red = '';
  let blue = '';
  /** The tools of this upstream are for the red team. */
  let redGateway = '';

  beforeAll(async () => {
    url = await database.create('visibility');
    gateway = await startAccessApp(url, { DEFAULT_USER_ROLE: 'developer' });
    tokens['root'] = await gateway.login(admin, adminPassword);
    for (const name of ['ada', 'bob', 'eve']) {
      await ok('root', 'POST', '/auth/email/admin/users', {
        ...{ email: `${name}@example.com`, password: userPassword, full_name: name },
      });
      tokens[name] = await gateway.login(`${name}@example.com`, userPassword);
    }
    red = (await ok('ada', 'POST', '/teams', { name: 'Red' })).id;
    blue = (await ok('eve', 'POST', '/teams', { name: 'Blue' })).id;
    await ok('ada', 'POST', `/teams/${red}/members`, { email: 'bob@example.com' });
    redGateway = (
      await ok('ada', 'POST', '/gateways', { name: 'fast', url: upstreamUrl, visibility: 'team', team_id: red })
    ).id;
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  const call = (who: string, method: Parameters<AccessApp['call']>[0], path: string, body?: object) =>
    gateway.call(method, path, tokens[who] ?? who, body);
  async function ok(...asked: Parameters<typeof call>) {
    const { status, json } = await call(...asked);
    expect([status < 300, json]).toEqual([true, json]);
    return json;
  }
  const rpc = async (who: string, method: string, params: object = {}, path = '/rpc') =>
    (await call(who, 'POST', path, { jsonrpc: '2.0', id: 1, method, params })).json;
  const named = async (who: string, path: string): Promise<string[]> => {
    const { json } = await call(who, 'GET', path);
    return json.map(({ name }: { name: string }) => name);
  };
  const toolsOf = async (who: string, path?: string): Promise<string[]> =>
    (await rpc(who, 'tools/list', {}, path)).result.tools.map(({ name }: { name: string }) => name);

  it('an upstream’s tools, resources and prompts are for whom it is for, over REST and MCP alike', async () => {
    const all = ['fast-get-system-time', 'fast-convert-time'];
    // Each asks after somebody else has filled the caches, in both orders.
    for (const who of ['ada', 'eve', 'bob', 'root', 'eve', 'ada']) {
      const expected = who === 'eve' ? [] : all;
      expect([who, await named(who, '/tools')]).toEqual([who, expected]);
      expect([who, await toolsOf(who)]).toEqual([who, expected]);
      expect(await named(who, '/gateways')).toEqual(who === 'eve' ? [] : ['fast']);
      expect(await named(who, '/prompts')).toHaveLength(who === 'eve' ? 0 : 1);
      expect(await named(who, '/resources')).toHaveLength(who === 'eve' ? 0 : 1);
      expect((await rpc(who, 'resources/list')).result.resources).toHaveLength(who === 'eve' ? 0 : 1);
      expect((await rpc(who, 'resources/templates/list')).result.resourceTemplates).toHaveLength(who === 'eve' ? 0 : 1);
      expect((await rpc(who, 'prompts/list')).result.prompts).toHaveLength(who === 'eve' ? 0 : 1);
    }
    const [tool] = (await call('bob', 'GET', '/tools')).json;
    expect(tool).toMatchObject({ visibility: 'team', teamId: red, ownerEmail: 'ada@example.com' });
  });

  it('nobody outside the team reads, changes, deletes or calls it, or is told that it exists', async () => {
    const [tool] = (await call('bob', 'GET', '/tools')).json;
    const paths = [`/tools/${tool.id}`, `/gateways/${redGateway}`];
    for (const path of paths) {
      expect((await call('bob', 'GET', path)).status).toBe(200);
      for (const [method, more, body] of [
        ['GET', ''],
        ['PUT', '', { description: 'mine' }],
        ['PUT', '', { visibility: 'public' }],
        ['DELETE', ''],
        ['POST', '/toggle?activate=false', {}],
      ] as const) {
        expect([method, (await call('eve', method, path + more, body)).status]).toEqual([method, 404]);
      }
    }
    expect((await call('eve', 'POST', `/gateways/${redGateway}/tools/refresh`, {})).status).toBe(404);
    expect((await call('eve', 'POST', '/tools', { name: 'mine', gateway_id: redGateway })).status).toBe(404);
    for (const [method, params] of [
      ['tools/call', { name: 'fast-convert-time' }],
      ['tools/call', { name: 'convert_time' }],
      ['prompts/get', { name: 'fast-compare-zones' }],
      ['resources/read', { uri: 'time://zones' }],
      ['resources/read', { uri: 'time://now/UTC' }],
      ['fast-convert-time', {}],
    ] as const) {
      expect([method, await rpc('bob', method, params)]).toEqual([method, { jsonrpc: '2.0', id: 1, result: {} }]);
      expect([method, (await rpc('eve', method, params)).error?.code]).toEqual([method, expect.any(Number)]);
    }
  });

  it('a virtual server shows each only what is for him, and itself only to those whom it is for', async () => {
    const tool = await ok('eve', 'POST', '/tools', {
      tool: { name: 'open', integration_type: 'REST', url: 'http://127.0.0.1:9/open' },
    });
    expect(tool).toMatchObject({ visibility: 'public', teamId: null, ownerEmail: 'eve@example.com' });
    // Names of what is not for him name nothing.
    const probe = { server: { name: 'probe', associated_tools: ['fast-convert-time'] } };
    expect((await call('eve', 'POST', '/servers', probe)).status).toBe(422);
    const mixed = await ok('ada', 'POST', '/servers', {
      server: { name: 'mixed', associated_tools: ['fast-convert-time', 'open'] },
    });
    const mcp = `/servers/${mixed.id}/mcp`;
    expect(await toolsOf('bob', mcp)).toEqual(['fast-convert-time', 'open']);
    expect(await toolsOf('eve', mcp)).toEqual(['open']);
    expect(await named('eve', `/servers/${mixed.id}/tools`)).toEqual(['open']);
    expect((await ok('eve', 'GET', `/servers/${mixed.id}`)).associatedTools).toEqual(['open']);
    expect((await call('eve', 'GET', '/servers')).json[0].associatedTools).toEqual(['open']);
    expect((await rpc('eve', 'tools/call', { name: 'fast-convert-time' }, mcp)).error).toBeDefined();
    // Who replaces the members replaces those that he sees.
    await ok('eve', 'PUT', `/servers/${mixed.id}`, { associated_tools: [] });
    expect(await toolsOf('bob', mcp)).toEqual(['fast-convert-time']);

    await ok('ada', 'PUT', `/servers/${mixed.id}`, { visibility: 'team', team_id: red });
    expect(await toolsOf('bob', mcp)).toEqual(['fast-convert-time']);
    for (const path of ['', '/tools', '/mcp', '/sse']) {
      expect([path, (await call('eve', 'GET', `/servers/${mixed.id}${path}`)).status]).toEqual([path, 404]);
    }
    expect((await call('eve', 'POST', mcp, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(404);
    expect(await named('eve', '/servers')).toEqual([]);
  });

  it('what is private is its owner’s alone; who leaves a team sees its things no more, at once', async () => {
    const body = { tool: { name: 'secret', url: 'http://127.0.0.1:9/secret' }, visibility: 'private' };
    await ok('bob', 'POST', '/tools', body);
    expect(await toolsOf('bob')).toContain('secret');
    expect(await toolsOf('ada')).not.toContain('secret');
    expect(await toolsOf('root')).toContain('secret');
    expect(await named('bob', '/tools?visibility=private')).toEqual(['secret']);
    expect(await named('ada', '/tools?visibility=private')).toEqual([]);
    expect(await named('ada', `/tools?team_id=${red}`)).toContain('fast-convert-time');

    await ok('ada', 'DELETE', `/teams/${red}/members/bob@example.com`);
    expect(await named('bob', '/tools')).toEqual(expect.arrayContaining(['open', 'secret']));
    expect(await named('bob', '/tools')).not.toContain('fast-convert-time');
    expect(await toolsOf('bob')).not.toContain('fast-convert-time');
    expect((await rpc('bob', 'tools/call', { name: 'fast-convert-time' })).error).toBeDefined();
    await ok('ada', 'POST', `/teams/${red}/members`, { email: 'bob@example.com' });
    expect(await toolsOf('bob')).toContain('fast-convert-time');
  });

  it('a token that is limited to teams sees what is theirs, and nothing that is its user’s alone', async () => {
    const subject = 'bob@example.com';
    const toRed = tokenOf(subject, { claims: { teams: [red] } });
    const toBlue = tokenOf(subject, { claims: { teams: [blue] } });
    expect(await toolsOf(toRed)).toContain('fast-convert-time');
    expect(await toolsOf(toRed)).not.toContain('secret');
    // The same user, and so the same name in the caches' keys: the list is another all the same.
    expect(await named(toBlue, '/tools')).toEqual(['open']);
    expect(await toolsOf(toBlue)).toEqual(['open']);
    expect(await named(toRed, '/tools')).toContain('fast-convert-time');
    const body = { tool: { name: 'own', url: 'http://127.0.0.1:9/' }, visibility: 'private' };
    expect((await call(toRed, 'POST', '/tools', body)).status).toBe(422);
  });

  it('gives to no team that somebody is no member of, and to no team that does not exist', async () => {
    const toolFor = (team_id: string, more: object = {}) => ({
      tool: { name: `of-${team_id.slice(0, 8)}`, url: 'http://127.0.0.1:9/' },
      team_id,
      ...more,
    });
    expect((await call('eve', 'POST', '/tools', toolFor(red))).json.faults).toEqual([
      { path: '/teamId', message: 'must be one of your teams' },
    ]);
    expect((await call('root', 'POST', '/tools', toolFor('no-team'))).status).toBe(422);
    expect(
      (await call('eve', 'POST', '/tools', { tool: { name: 'x', url: 'http://a/' }, visibility: 'team' })).status,
    ).toBe(422);
    expect((await call('eve', 'POST', '/tools', toolFor(blue, { owner_email: 'ada@example.com' }))).status).toBe(422);
    // A team alone is enough to keep it to the team.
    const made = await ok('eve', 'POST', '/tools', toolFor(blue));
    expect(made).toMatchObject({ visibility: 'team', teamId: blue });
    expect(await toolsOf('ada')).not.toContain(made.name);
    await ok('eve', 'PUT', `/tools/${made.id}`, { visibility: 'public' });
    expect(await toolsOf('ada')).toContain(made.name);
    await ok('eve', 'DELETE', `/tools/${made.id}`);
  });

  it('holds without any cache too, and what a restart finds is as restricted as before', async () => {
    for (const settings of [
      {},
      { REGISTRY_CACHE_ENABLED: 'false', TOOL_LOOKUP_CACHE_ENABLED: 'false', AUTH_CACHE_ENABLED: 'false' },
    ]) {
      const before = gateway;
      gateway = await startAccessApp(url, settings);
      try {
        expect(await toolsOf('ada')).toContain('fast-convert-time');
        expect(await toolsOf('eve')).toEqual(['open']);
        expect((await rpc('eve', 'tools/call', { name: 'fast-convert-time' })).error).toBeDefined();
        expect((await rpc('ada', 'tools/call', { name: 'fast-convert-time' })).result).toBeDefined();
        const [mixed] = (await call('ada', 'GET', '/servers')).json;
        expect(await toolsOf('ada', `/servers/${mixed.id}/mcp`)).toEqual(['fast-convert-time']);
        expect((await call('eve', 'POST', `/servers/${mixed.id}/mcp`, {})).status).toBe(404);
      } finally {
        await gateway[Symbol.asyncDispose]();
        gateway = before;
      }
    }
  });

  it('is part of an export, and an import makes nothing public that was not', async () => {
    const { entities } = await ok('root', 'GET', '/export');
    expect(entities.gateways[0]).toMatchObject({ name: 'fast', visibility: 'team', teamId: red });
    const secret = entities.tools.find(({ name }: { name: string }) => name === 'secret');
    expect(secret).toMatchObject({ visibility: 'private', ownerEmail: 'bob@example.com' });
    const report = await ok('root', 'POST', '/import', {
      import_data: { entities: { tools: [{ ...secret, name: 'again' }] } },
    });
    expect(report).toMatchObject({ status: 'completed', created: 1 });
    expect(await toolsOf('bob')).toContain('again');
    expect(await toolsOf('eve')).not.toContain('again');
  });

  it('what was for a team that is gone is for administrators only', async () => {
    await ok('ada', 'DELETE', `/teams/${red}`);
    expect(await toolsOf('ada')).not.toContain('fast-convert-time');
    expect(await toolsOf('root')).toContain('fast-convert-time');
  });
});

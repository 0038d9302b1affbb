import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createRouter } from '../../src/federation/router.ts';
import { callerOf } from '../caller-of.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { fastTime, manyTools } from '../registry/stub-upstream.ts';
import { type Json, type RegistryApp, startRegistryApp } from './registry-app.ts';

describeWithPostgres('the catalog over PostgreSQL', () => {
  let postgres: TestPostgres;
  let here: RegistryApp;
  let there: RegistryApp;
  let databaseUrl: string;
  const url = 'http://127.0.0.1:9000/mcp';
  const ttlSeconds = 0.2;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('catalog');
    here = await startRegistryApp(databaseUrl);
    there = await startRegistryApp(databaseUrl, { REGISTRY_CACHE_TTL: String(ttlSeconds) });
    here.upstreams.offers.set(url, fastTime);
    await here.call('POST', '/gateways', { name: 'fast_time', url, auth_type: 'bearer', auth_token: 't' });
  });
  afterAll(async () => {
    await here?.[Symbol.asyncDispose]();
    await there?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  it('answers lookups without a promise once it is in memory', async () => {
    const { catalog } = here.registry;
    await catalog.find('tools', 'fast-time-convert-time');
    const entry = catalog.find('tools', 'fast-time-convert-time');
    expect(entry).not.toBeInstanceOf(Promise);
    expect(entry).toMatchObject({ name: 'fast-time-convert-time', originalName: 'convert_time' });
    expect(catalog.list('tools')).toBeTypeOf('string');
    const gatewayId = (await entry)?.gatewayId ?? '';
    expect(catalog.gateway(gatewayId)).toMatchObject({
      slug: 'fast-time',
      url,
      headers: { authorization: 'Bearer t' },
    });
  });

  it('lists entries as MCP does, with the public name inside', async () => {
    const { tools } = JSON.parse(await here.registry.catalog.list('tools'));
    expect(tools).toEqual(
      fastTime.tools?.map((tool) => ({ ...tool, name: `fast-time-${String(tool['name']).replaceAll('_', '-')}` })),
    );
    const { resourceTemplates } = JSON.parse(await here.registry.catalog.list('resourceTemplates'));
    expect(resourceTemplates).toEqual([{ uriTemplate: 'time://now/{zone}', name: 'fast-time-now' }]);
  });

  it('finds by the upstream’s own name while only one entry has it, resources by URI, templates by what they stand for', async () => {
    const { catalog } = here.registry;
    expect(await catalog.find('tools', 'convert_time')).toMatchObject({ name: 'fast-time-convert-time' });
    expect(await catalog.find('resources', 'time://zones')).toMatchObject({ originalName: 'time://zones' });
    expect(await catalog.find('resourceTemplates', 'time://now/Berlin')).toMatchObject({
      originalName: 'time://now/{zone}',
    });
    expect(await catalog.find('resourceTemplates', 'time://then/Berlin')).toBeUndefined();
    expect(await catalog.find('tools', 'nobody')).toBeUndefined();

    const second = (await here.call('POST', '/gateways', { name: 'second', url })).json;
    expect(await catalog.find('tools', 'convert_time')).toBeUndefined();
    expect(await catalog.find('tools', 'second-convert-time')).toMatchObject({ originalName: 'convert_time' });
    await here.call('DELETE', `/gateways/${second.id}`);
    expect(await catalog.find('tools', 'convert_time')).toMatchObject({ name: 'fast-time-convert-time' });
  });

  it('shows a virtual server’s members only, and its changes at once', async () => {
    const { catalog } = here.registry;
    const { id } = (await here.call('POST', '/servers', { name: 's', associatedTools: ['convert_time'] })).json;
    expect(await catalog.hasServer(id)).toBe(true);
    expect(await catalog.find('tools', 'convert_time', id)).toBeDefined();
    expect(await catalog.find('tools', 'get_system_time', id)).toBeUndefined();
    expect(JSON.parse(await catalog.list('tools', undefined, id)).tools).toHaveLength(1);
    expect(await catalog.list('prompts', undefined, id)).toBe('{"prompts":[]}');

    await here.call('PUT', `/servers/${id}`, { associatedTools: ['get_system_time'] });
    expect(await catalog.find('tools', 'convert_time', id)).toBeUndefined();
    expect(await catalog.find('tools', 'get_system_time', id)).toBeDefined();

    await here.call('POST', `/servers/${id}/toggle?activate=false`);
    expect(await catalog.hasServer(id)).toBe(false);
    await here.call('DELETE', `/servers/${id}`);
    expect(await catalog.hasServer(id)).toBe(false);
    expect(await catalog.hasServer('nobody')).toBe(false);
  });

  it('knows a resource that it does not show, so that no template shows it', async () => {
    const { catalog } = here.registry;
    const uri = 'time://now/Rome';
    const [gateway] = (await here.call('GET', '/gateways')).json;
    const resource = { uri, name: 'rome', gatewayId: gateway.id };
    const { id } = (await here.call('POST', '/resources', resource)).json;
    const members = { name: 'templates', associatedResources: ['time://now/{zone}'] };
    const server = (await here.call('POST', '/servers', members)).json;
    const isRead = async (name: string, serverId?: string) => {
      const sent: (string | undefined)[] = [];
      const upstream = {
        ...here.upstreams.connect({ ...gateway, headers: {} }),
        async request(_method: string, paramsJson: string | undefined) {
          sent.push(paramsJson);
          return { ok: true as const, resultJson: '{}' };
        },
      };
      const forwarded = { kind: 'resources', method: 'resources/read', nameMember: 'uri', name } as const;
      const params = { params: { uri: name }, paramsJson: JSON.stringify({ uri: name }) };
      const caller = callerOf({ serverId });
      const answer = await createRouter(catalog, { of: () => upstream }, () =>
        Promise.reject(new Error('no REST tool in this test')),
      ).forward({ ...forwarded, ...params }, caller);
      return answer !== undefined && sent.length === 1;
    };
    expect([await isRead(uri), await isRead(uri, server.id)]).toEqual([true, false]);
    await here.call('POST', `/resources/${id}/toggle?activate=false`);
    expect(await catalog.find('resources', uri)).toBeUndefined();
    expect([await isRead(uri), await isRead(uri, server.id)]).toEqual([false, false]);
    expect([await isRead('time://now/Oslo'), await isRead('time://now/Oslo', server.id)]).toEqual([true, true]);
    await here.call('DELETE', `/resources/${id}`);
    expect(await isRead(uri)).toBe(true);
    await here.call('DELETE', `/servers/${server.id}`);
  });

  it('hides what belongs to a gateway that is switched off', async () => {
    const { catalog } = here.registry;
    const [gateway] = (await here.call('GET', '/gateways')).json;
    await here.call('POST', `/gateways/${gateway.id}/toggle?activate=false`);
    expect(await catalog.list('tools')).toBe('{"tools":[]}');
    expect((await here.call('GET', '/tools')).json).toEqual([]);
    await here.call('POST', `/gateways/${gateway.id}/toggle?activate=true`);
    expect(JSON.parse(await catalog.list('tools')).tools).toHaveLength(2);
  });

  it('makes one load of twenty lookups that find the memory empty', async () => {
    await using fresh = await startRegistryApp(databaseUrl);
    const queries = vi.spyOn(fresh.store, 'query');
    const entries = await Promise.all(
      Array.from({ length: 20 }, () => fresh.registry.catalog.find('tools', 'fast-time-convert-time')),
    );
    expect(new Set(entries.map((entry) => entry?.id)).size).toBe(1);
    expect(queries).toHaveBeenCalledTimes(2); // entries and gateways, once
  });

  it('serves pages by cursor and refuses a cursor of another list', async () => {
    here.upstreams.offers.set('http://127.0.0.1:9002/mcp', manyTools(120));
    const gateway = (await here.call('POST', '/gateways', { name: 'many', url: 'http://127.0.0.1:9002/mcp' })).json;
    const { catalog } = here.registry;
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = JSON.parse(await catalog.list('tools', cursor));
      names.push(...page.tools.map((tool: Json) => tool.name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(names).toHaveLength(122);
    expect(new Set(names).size).toBe(122);
    const { nextCursor } = JSON.parse(await catalog.list('tools'));
    for (const bad of ['nonsense', '', Buffer.from('tools:-1').toString('base64url')]) {
      expect(() => catalog.list('tools', bad)).toThrow('GW_INVALID_CURSOR');
    }
    await expect(async () => catalog.list('prompts', nextCursor)).rejects.toThrow('GW_INVALID_CURSOR');
    await here.call('DELETE', `/gateways/${gateway.id}`);
  });

  it('sees the writes of another process within twice the setting’s time, and its own at once', async () => {
    const { catalog } = there.registry;
    await catalog.list('tools');
    const [tool] = (await here.call('GET', '/tools')).json;
    await here.call('POST', `/tools/${tool.id}/toggle?activate=false`);
    expect(await here.registry.catalog.find('tools', tool.name)).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 2 * ttlSeconds * 1000));
    expect(await catalog.find('tools', tool.name)).toBeUndefined();
    await here.call('POST', `/tools/${tool.id}/toggle?activate=true`);
  });

  it('counts what memory answered and what it had to wait for', async () => {
    await using fresh = await startRegistryApp(databaseUrl);
    await fresh.registry.catalog.list('tools');
    fresh.registry.catalog.list('tools');
    fresh.registry.catalog.list('tools');
    await fresh.registry.catalog.find('tools', 'nobody');
    const counts = Object.fromEntries(fresh.caches.stats().map(({ name, hits, misses }) => [name, [hits, misses]]));
    expect(counts).toMatchObject({ registry_tools: [2, 1], tool_lookup: [1, 0], registry_prompts: [0, 0] });
  });
});

// Each cache of the registry saves its queries while it is on, and none while it is off.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { type RegistryApp, startRegistryApp, upstreamUrl } from './registry-app.ts';

describeWithPostgres('the caches of the registry', () => {
  let postgres: TestPostgres;
  let registry: RegistryApp;
  let serverId: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    registry = await startRegistryApp(await postgres.createDatabase('caches'));
    registry.upstreams.offers.set(upstreamUrl, fastTime);
    await registry.call('POST', '/gateways', { name: 'fast_time', url: upstreamUrl });
    const server = { name: 's', associatedTools: ['convert_time'] };
    serverId = (await registry.call('POST', '/servers', server)).json.id;
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    registry.config.REGISTRY_CACHE_ENABLED = true;
    registry.config.TOOL_LOOKUP_CACHE_ENABLED = true;
  });

  /** Statements per run, when it has run once before. */
  async function statementsOf(run: () => unknown): Promise<number> {
    await run();
    const doors = [vi.spyOn(registry.store, 'query'), vi.spyOn(registry.store, 'read')];
    for (let times = 0; times < 3; times++) await run();
    const count = doors.reduce((sum, door) => sum + door.mock.calls.length, 0);
    for (const door of doors) door.mockRestore();
    return count / 3;
  }

  const paths = ['/tools', '/resources', '/resources/templates', '/prompts', '/servers', '/gateways'];

  it('REGISTRY_CACHE_ENABLED: lists over REST and MCP cost no statement; off, each asks the database', async () => {
    const { catalog } = registry.registry;
    const runs = [
      ...[...paths, `/servers/${serverId}/tools`].map((path) => () => registry.call('GET', path)),
      ...(['tools', 'resources', 'resourceTemplates', 'prompts'] as const).map((kind) => () => catalog.list(kind)),
      () => catalog.list('tools', undefined, serverId),
      () => catalog.find('prompts', 'compare_zones'),
      () => catalog.find('resources', 'time://zones'),
      () => catalog.hasResource('nobody', 'time://zones'),
    ];
    for (const run of runs) expect(await statementsOf(run)).toBe(0);
    registry.config.REGISTRY_CACHE_ENABLED = false;
    for (const run of runs) expect(await statementsOf(run)).toBeGreaterThanOrEqual(1);
  });

  it('gives the same answers from memory and from the database', async () => {
    const { catalog } = registry.registry;
    const look = async () => [
      ...(await Promise.all(paths.map(async (path) => (await registry.call('GET', path)).json))),
      await catalog.list('tools'),
      await catalog.list('tools', undefined, serverId),
      await catalog.find('tools', 'convert_time', serverId),
      await catalog.find('tools', 'get_system_time', serverId),
      await catalog.find('tools', 'fast-time-get-system-time'),
      await catalog.find('resourceTemplates', 'time://now/Berlin'),
      await catalog.hasServer(serverId),
      await catalog.hasServer('nobody'),
      await catalog.gateway((await catalog.find('tools', 'convert_time'))?.gatewayId ?? ''),
    ];
    const kept = await look();
    Object.assign(registry.config, { REGISTRY_CACHE_ENABLED: false, TOOL_LOOKUP_CACHE_ENABLED: false });
    expect(await look()).toEqual(kept);
  });

  it('TOOL_LOOKUP_CACHE_ENABLED: a call finds its tool without a statement; off, one per call', async () => {
    const { catalog } = registry.registry;
    const find = async () => {
      await catalog.hasServer(serverId);
      const tool = await catalog.find('tools', 'convert_time', serverId);
      expect(await catalog.gateway(tool?.gatewayId ?? '')).toBeDefined();
    };
    expect(await statementsOf(find)).toBe(0);
    registry.config.REGISTRY_CACHE_ENABLED = false;
    expect(await statementsOf(find)).toBe(0);
    registry.config.REGISTRY_CACHE_ENABLED = true;
    registry.config.TOOL_LOOKUP_CACHE_ENABLED = false;
    expect(await statementsOf(find)).toBe(1);
    registry.config.REGISTRY_CACHE_ENABLED = false;
    expect(await statementsOf(find)).toBe(3);
  });

  it.each([
    ['REGISTRY_CACHE_TOOLS_TTL', '/tools'],
    ['REGISTRY_CACHE_RESOURCES_TTL', '/resources'],
    ['REGISTRY_CACHE_PROMPTS_TTL', '/prompts'],
    ['REGISTRY_CACHE_SERVERS_TTL', '/servers'],
    ['REGISTRY_CACHE_GATEWAYS_TTL', '/gateways'],
  ] as const)('%s: %s is read anew when it is that old', async (setting, path) => {
    const before = registry.config[setting];
    registry.config[setting] = 0.01;
    const aged = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return registry.call('GET', path);
    };
    expect(await statementsOf(aged)).toBeGreaterThanOrEqual(1);
    registry.config[setting] = before;
    expect(await statementsOf(aged)).toBe(0);
  });

  it('TOOL_LOOKUP_CACHE_TTL: a tool is looked up anew when what is known is that old', async () => {
    const aged = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await registry.registry.catalog.find('tools', 'convert_time');
    };
    const before = registry.config.TOOL_LOOKUP_CACHE_TTL;
    registry.config.TOOL_LOOKUP_CACHE_TTL = 0.005;
    expect(await statementsOf(aged)).toBe(1);
    registry.config.TOOL_LOOKUP_CACHE_TTL = before;
    expect(await statementsOf(aged)).toBe(0);
  });

  it('shows every write in every list at once', async () => {
    const names = async (path: string) =>
      (await registry.call('GET', path)).json.map((one: { name: string }) => one.name);
    const tool = (await registry.call('GET', `/servers/${serverId}/tools`)).json[0];
    await registry.call('PUT', `/tools/${tool.id}`, { name: 'renamed' });
    expect(await names(`/servers/${serverId}/tools`)).toEqual(['renamed']);
    expect((await registry.call('GET', '/servers')).json[0].associatedTools).toEqual(['renamed']);
    await registry.call('PUT', `/servers/${serverId}`, { associatedTools: [] });
    expect(await names(`/servers/${serverId}/tools`)).toEqual([]);
    const gateway = (await registry.call('GET', '/gateways')).json[0];
    await registry.call('PUT', `/gateways/${gateway.id}`, { name: 'other name' });
    expect(await names('/gateways')).toEqual(['other name']);
    await registry.call('POST', `/gateways/${gateway.id}/toggle?activate=false`);
    for (const path of paths.filter((path) => path !== '/servers')) expect(await names(path)).toEqual([]);
  });
});

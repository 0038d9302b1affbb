// Settings of names and pages.
import { expect, it } from 'vitest';
import { describeWithSqlite, useSqlite } from '../databases.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { type RegistryApp, startRegistryApp } from './registry-app.ts';

const url = 'http://127.0.0.1:9000/mcp';

describeWithSqlite('settings of the registry', () => {
  const database = useSqlite();
  async function start(name: string, settings: Record<string, string>): Promise<RegistryApp> {
    const gateway = await startRegistryApp(await database.create(name), settings);
    gateway.upstreams.offers.set(url, fastTime);
    expect((await gateway.call('POST', '/gateways', { name: 'Fast Time', url })).status).toBe(201);
    return gateway;
  }
  const namesOf = async (gateway: RegistryApp, query = '') => {
    const { json } = await gateway.call('GET', `/tools${query}`);
    return json.map(({ name }: { name: string }) => name);
  };

  it.each([
    ['-', 'fast-time-convert-time'],
    ['--', 'fast-time--convert-time'],
    ['_', 'fast-time_convert-time'],
    ['.', 'fast-time.convert-time'],
  ])('GATEWAY_TOOL_NAME_SEPARATOR=%s stands between the gateway and its tool', async (separator, name) => {
    await using gateway = await start(`separator${separator.codePointAt(0)}${separator.length}`, {
      GATEWAY_TOOL_NAME_SEPARATOR: separator,
    });
    expect(await namesOf(gateway)).toContain(name);
  });

  it('PAGINATION_DEFAULT_PAGE_SIZE: the length of a page that nobody asked for, over REST and MCP', async () => {
    await using gateway = await start('default_page', { PAGINATION_DEFAULT_PAGE_SIZE: '1' });
    const first = await gateway.call('GET', '/tools');
    expect(first.json).toHaveLength(1);
    expect(await namesOf(gateway, `?cursor=${first.headers['x-next-cursor']}`)).toEqual(['fast-time-convert-time']);
    expect(await namesOf(gateway, '?limit=2')).toHaveLength(2);
    const page = JSON.parse(await gateway.registry.catalog.list('tools'));
    expect([page.tools.length, typeof page.nextCursor]).toEqual([1, 'string']);
  });

  it('PAGINATION_MAX_PAGE_SIZE: no page is longer, whatever is asked for', async () => {
    await using gateway = await start('max_page', { PAGINATION_DEFAULT_PAGE_SIZE: '1', PAGINATION_MAX_PAGE_SIZE: '1' });
    for (const query of ['?limit=100', '?limit=0']) expect(await namesOf(gateway, query)).toHaveLength(1);
    await using roomy = await start('roomy_page', {});
    for (const query of ['?limit=100', '?limit=0']) expect(await namesOf(roomy, query)).toHaveLength(2);
  });
});

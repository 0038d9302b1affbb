import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeWithEachDatabase } from '../databases.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { type Json, type RegistryApp, startRegistryApp, upstreamUrl } from './registry-app.ts';

/** Registries with other ids and the same secret, as a move to another machine has them. */
describeWithEachDatabase('export and import', (useDatabase) => {
  const database = useDatabase();
  let here: RegistryApp;
  let there: RegistryApp;
  let document: Json;

  const start = async (name: string) => {
    const app = await startRegistryApp(await database.create(name));
    app.upstreams.offers.set(upstreamUrl, fastTime);
    return app;
  };
  const importTo = (app: RegistryApp, body: object) =>
    app.registry.import({ import_data: document, ...body }) as Promise<Json>;
  const namesOf = async (app: RegistryApp, path: string) =>
    (await app.call('GET', `${path}?limit=0&include_inactive=true`)).json.map((one: Json) => one.name);

  beforeAll(async () => {
    here = await start('here');
    there = await start('there');
    const gateway = await here.call('POST', '/gateways', {
      name: 'fast_time',
      url: upstreamUrl,
      auth_type: 'bearer',
      auth_token: 'upstream-secret',
      tags: ['time'],
      transport: 'SSE',
      passthrough_headers: ['X-Tenant-Id'],
    });
    expect(gateway.status).toBe(201);
    await here.call('POST', '/tools', { name: 'api', url: 'http://127.0.0.1:1/{x}', request_type: 'GET' });
    await here.call('POST', '/tools', {
      name: 'another-name',
      gateway_id: gateway.json.id,
      original_name: 'convert_time',
    });
    const server = await here.call('POST', '/servers', {
      name: 'clock',
      associated_tools: ['fast-time-convert-time', 'api'],
      associated_resources: ['time://zones'],
    });
    expect(server.status, JSON.stringify(server.json)).toBe(201);
    await here.call('POST', `/servers/${server.json.id}/toggle?activate=false`);
    document = JSON.parse(JSON.stringify(await here.registry.export({ include_inactive: 'true' }, 'admin')));
  });
  afterAll(async () => {
    await here?.[Symbol.asyncDispose]();
    await there?.[Symbol.asyncDispose]();
  });

  it('writes what was made by hand, without a secret in clear', () => {
    expect(document.metadata.entity_counts).toEqual({ gateways: 1, tools: 2, resources: 0, prompts: 0, servers: 1 });
    expect(document.exported_by).toBe('admin');
    expect(JSON.stringify(document)).not.toContain('upstream-secret');
  });

  it('exports what is asked for', async () => {
    const some = await here.registry.export({ types: 'gateways,servers', tags: 'TIME' }, 'admin');
    expect(some.entities).toMatchObject({ gateways: [{ name: 'fast_time' }], servers: [] });
    expect(some.entities.tools).toBeUndefined();
    await expect(here.registry.export({ types: 'nonsense' }, 'admin')).rejects.toMatchObject({
      code: 'GW_INVALID_REQUEST',
    });
  });

  it('tells what an import would do, and does nothing, when it is a trial', async () => {
    expect(await importTo(there, { dry_run: true })).toMatchObject({ created: 4, failed: 0, dry_run: true });
    expect(await namesOf(there, '/gateways')).toEqual([]);
  });

  it('makes everything again: the same calls, the same members, the same switches, with the credentials', async () => {
    expect(await importTo(there, {})).toEqual({
      ...{ status: 'completed', dry_run: false, created: 4, updated: 0, skipped: 0, failed: 0 },
      errors: [],
    });
    expect(await namesOf(there, '/tools')).toEqual(await namesOf(here, '/tools'));
    const [server] = (await there.call('GET', '/servers?include_inactive=true')).json;
    expect(server).toMatchObject({ name: 'clock', enabled: false });
    expect(server.associatedTools.toSorted()).toEqual(['api', 'fast-time-convert-time']);
    expect(server.associatedResources).toHaveLength(1);
    const [gateway] = (await there.call('GET', '/gateways')).json;
    const known = await there.registry.catalog.gateway(gateway.id);
    expect(known).toMatchObject({
      headers: { authorization: 'Bearer upstream-secret' },
      transport: 'SSE',
      passthroughHeaders: ['X-Tenant-Id'],
    });
  });

  it.each([
    ['update', { updated: 4, created: 0 }],
    ['skip', { skipped: 4, created: 0 }],
    ['fail', { failed: 4, status: 'failed' }],
  ])('does as the strategy %s says with names that are there', async (conflict_strategy, outcome) => {
    expect(await importTo(there, { conflict_strategy })).toMatchObject(outcome);
    expect(await namesOf(there, '/servers')).toEqual(['clock']);
  });

  it('takes the selected ones, under another name when asked to', async () => {
    const selected_entities = { servers: ['clock'] };
    expect(await importTo(there, { conflict_strategy: 'rename', selected_entities })).toMatchObject({ created: 1 });
    expect(await namesOf(there, '/servers')).toEqual(['clock', 'clock-imported']);
  });

  it('goes on after what fails, and names it', async () => {
    const broken = structuredClone(document);
    broken.entities.tools[0].url = 'http://169.254.169.254/';
    const report = (await there.registry.import({ import_data: broken })) as Json;
    expect(report).toMatchObject({ status: 'failed', failed: 1, updated: 3 });
    expect(report.errors).toMatchObject([{ kind: 'tools', name: 'api', code: 'GW_ADDRESS_REFUSED' }]);
  });

  it('tells of a fault of its own without the inside, which is in the log', async () => {
    vi.spyOn(there.store, 'transaction').mockRejectedValueOnce(new TypeError('a bug'));
    const selected_entities = { servers: ['clock'] };
    const report = await importTo(there, { selected_entities, conflict_strategy: 'update' });
    expect(report.errors).toMatchObject([{ kind: 'servers', name: 'clock', code: 'GW_INTERNAL' }]);
    expect(JSON.stringify(report)).not.toContain('a bug');
    expect(there.warnings).toEqual(['import failed']);
  });

  it('refuses a document that is none', async () => {
    await expect(there.registry.import({ import_data: { entities: { tools: 'x' } } })).rejects.toMatchObject({
      code: 'GW_INVALID_REQUEST',
    });
  });
});

import { expect, it } from 'vitest';
import { describeWithRegistry, type Json } from './registry-app.ts';

describeWithRegistry('virtual servers', ({ registry, register }) => {
  it('composes a virtual server of ids, public names and upstream names, and tells what it holds', async () => {
    await register();
    const [clock] = (await registry.call('GET', '/tools')).json;
    const created = await registry.call('POST', '/servers', {
      server: {
        name: 'mine',
        description: 'my server',
        associated_tools: [clock.id, 'fast-time-convert-time', 'convert_time'],
        associated_resources: ['time://zones', 'time://now/{zone}'],
        associated_prompts: ['compare_zones'],
      },
    });
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({
      name: 'mine',
      associatedTools: ['fast-time-get-system-time', 'fast-time-convert-time'],
      enabled: true,
    });
    const path = `/servers/${created.json.id}`;
    expect((await registry.call('GET', path)).json).toEqual(created.json);
    expect((await registry.call('GET', '/servers')).json).toEqual([created.json]);
    expect((await registry.call('GET', `${path}/tools`)).json).toHaveLength(2);
    expect((await registry.call('GET', `${path}/prompts`)).json).toHaveLength(1);
    expect((await registry.call('GET', '/servers/none/tools')).status).toBe(404);
  });

  it('lists each virtual server with its own members', async () => {
    await register();
    const bodies = [
      { name: 'one', associatedTools: ['convert_time'], associatedPrompts: ['compare_zones'] },
      { name: 'none' },
      { name: 'two', associatedTools: ['get_system_time', 'convert_time'], associatedResources: ['time://zones'] },
    ];
    const created: Json[] = [];
    for (const body of bodies) created.push((await registry.call('POST', '/servers', body)).json);
    expect((await registry.call('GET', '/servers')).json).toEqual(created);
    expect(created.map((server) => server.associatedTools)).toEqual([
      ['fast-time-convert-time'],
      [],
      ['fast-time-get-system-time', 'fast-time-convert-time'],
    ]);
  });

  it('replaces only the members that an update names', async () => {
    await register();
    const { json } = await registry.call('POST', '/servers', {
      name: 'mine',
      associatedTools: ['get_system_time'],
      associatedPrompts: ['compare_zones'],
    });
    const updated = await registry.call('PUT', `/servers/${json.id}`, {
      name: 'yours',
      associatedTools: ['convert_time'],
    });
    expect(updated.json).toMatchObject({
      name: 'yours',
      associatedTools: ['fast-time-convert-time'],
      associatedPrompts: json.associatedPrompts,
    });
  });

  it('refuses members that do not exist, all at once, and names that several entries have', async () => {
    await register();
    await register({ name: 'second' });
    const missing = await registry.call('POST', '/servers', {
      name: 'm',
      associatedTools: ['a', 'b'],
      associatedPrompts: ['c'],
    });
    expect(missing.status).toBe(422);
    expect(missing.json.faults.map((fault: Json) => fault.path)).toEqual([
      '/associatedTools/0',
      '/associatedTools/1',
      '/associatedPrompts/0',
    ]);
    const ambiguous = await registry.call('POST', '/servers', { name: 'm', associatedTools: ['convert_time'] });
    expect(ambiguous.json.code).toBe('GW_NAME_AMBIGUOUS');
    expect((await registry.call('GET', '/servers')).json).toEqual([]);
  });
});

import { expect, it } from 'vitest';
import { fastTime, manyTools } from '../registry/stub-upstream.ts';
import { describeWithRegistry, type Json, upstreamUrl as url } from './registry-app.ts';

describeWithRegistry('the registry', ({ registry, register }) => {
  it('stores what a registered upstream offers under public names and keeps the upstream’s own', async () => {
    const gateway = await register();
    expect(gateway).toMatchObject({
      name: 'fast_time',
      slug: 'fast-time',
      url,
      transport: 'STREAMABLEHTTP',
      enabled: true,
    });

    const tools = (await registry.call('GET', '/tools')).json;
    expect(tools.map((tool: Json) => [tool.name, tool.originalName])).toEqual([
      ['fast-time-get-system-time', 'get_system_time'],
      ['fast-time-convert-time', 'convert_time'],
    ]);
    expect(tools[1]).toMatchObject({
      gatewayId: gateway.id,
      gatewaySlug: 'fast-time',
      integrationType: 'MCP',
      inputSchema: { type: 'object', required: ['time'] },
      enabled: true,
    });
    expect((await registry.call('GET', '/resources')).json).toMatchObject([
      { uri: 'time://zones', name: 'fast-time-zones' },
    ]);
    expect((await registry.call('GET', '/resources/templates/list')).json).toMatchObject([
      { uriTemplate: 'time://now/{zone}' },
    ]);
    expect((await registry.call('GET', '/prompts')).json).toMatchObject([
      { name: 'fast-time-compare-zones', originalName: 'compare_zones', arguments: [{ name: 'a', required: true }] },
    ]);
    expect(registry.upstreams.open).toBe(0);
  });

  it('removes everything of a gateway with it', async () => {
    const gateway = await register();
    const tools = (await registry.call('GET', '/tools')).json;
    const server = (await registry.call('POST', '/servers', { name: 's', associated_tools: [tools[0].id] })).json;
    expect((await registry.call('DELETE', `/gateways/${gateway.id}`)).status).toBe(200);
    for (const list of ['gateways', 'tools', 'resources', 'resources/templates', 'prompts']) {
      expect((await registry.call('GET', `/${list}?include_inactive=true`)).json).toEqual([]);
    }
    expect((await registry.call('GET', `/servers/${server.id}`)).json.associatedTools).toEqual([]);
  });

  it('refuses a name or a slug that exists with 409 and asks no upstream for it', async () => {
    await register();
    const asked = registry.upstreams.asked.length;
    for (const name of ['fast_time', 'Fast Time']) {
      const { status, json } = await registry.call('POST', '/gateways', { name, url });
      expect([status, json.code]).toEqual([409, 'GW_CONFLICT']);
    }
    expect(registry.upstreams.asked.length).toBe(asked);
  });

  it('gives exactly one of twenty registrations of one name at once, and 409 to the others', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => registry.call('POST', '/gateways', { name: 'rush', url })),
    );
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([201, ...Array(19).fill(409)]);
    expect((await registry.call('GET', '/tools')).json).toHaveLength(2);
  });

  it('stores nothing of an upstream that cannot be asked, and says 502', async () => {
    const { status, json } = await registry.call('POST', '/gateways', { name: 'gone', url: 'http://127.0.0.1:1/mcp' });
    expect([status, json.code]).toEqual([502, 'GW_UPSTREAM_UNREACHABLE']);
    expect((await registry.call('GET', '/gateways?include_inactive=true')).json).toEqual([]);
    expect(registry.upstreams.open).toBe(0);
  });

  it('stores nothing of an upstream that lists something without a name', async () => {
    registry.upstreams.offers.set(url, { tools: [{ name: 'good' }, { title: 'nameless' }] });
    const { status, json } = await registry.call('POST', '/gateways', { name: 'odd', url });
    expect([status, json.code]).toEqual([502, 'GW_UPSTREAM_INVALID']);
    expect((await registry.call('GET', '/gateways')).json).toEqual([]);
  });

  it('names all faults of a bad body at once', async () => {
    const { status, json } = await registry.call('POST', '/gateways', {
      name: '',
      url: 'ftp://x',
      transport: 'WEBSOCKET',
    });
    expect(status).toBe(422);
    expect(json.faults.map((fault: Json) => fault.path)).toEqual(
      expect.arrayContaining(['/name', '/url', '/transport']),
    );
  });

  it('tells tools apart whose public names would be the same', async () => {
    registry.upstreams.offers.set(url, { tools: [{ name: 'a_b' }, { name: 'a-b' }, { name: 'A b' }] });
    await register({ name: 'x' });
    registry.upstreams.offers.set(url, { tools: [{ name: 'b' }] });
    await register({ name: 'x-a' });
    const names = (await registry.call('GET', '/tools')).json.map((tool: Json) => tool.name);
    expect(names).toEqual(['x-a-b', 'x-a-b-2', 'x-a-b-3', 'x-a-b-4']);
  });

  it('asks an upstream again when its URL changed, and keeps the ids and names of what is still there', async () => {
    const gateway = await register();
    const before = (await registry.call('GET', '/tools')).json;
    const moved = 'http://127.0.0.1:9001/mcp';
    registry.upstreams.offers.set(moved, {
      tools: [{ name: 'brand_new' }, { name: 'convert_time', description: 'Converts better' }],
    });
    expect((await registry.call('PUT', `/gateways/${gateway.id}`, { url: moved })).json.url).toBe(moved);
    const after = (await registry.call('GET', '/tools')).json;
    expect(after.map((tool: Json) => tool.originalName)).toEqual(['convert_time', 'brand_new']);
    expect(after[0]).toMatchObject({ id: before[1].id, name: before[1].name, description: 'Converts better' });
  });

  /** Holds the next `count` questions to upstreams until they are let go; later ones are answered at once. */
  function holdUpstreams(count: number): { held: () => number; letGo: () => void } {
    const waiting: (() => void)[] = [];
    let left = count;
    registry.upstreams.before = async () => {
      if (left === 0) return;
      left -= 1;
      await new Promise<void>((resolve) => waiting.push(resolve));
    };
    const letGo = () => {
      for (const resolve of waiting) resolve();
    };
    return { held: () => waiting.length, letGo };
  }

  it('keeps what was changed while an upstream was asked again, and asks at the address that holds now', async () => {
    const gateway = await register();
    const path = `/gateways/${gateway.id}`;
    const moved = 'http://127.0.0.1:9001/mcp';
    registry.upstreams.offers.set(moved, { tools: [{ name: 'brand_new' }] });
    const { held, letGo } = holdUpstreams(1);
    const refreshed = registry.call('POST', `${path}/tools/refresh`);
    await expect.poll(held).toBe(1);
    const change = { name: 'renamed', description: 'elsewhere', url: moved, auth_type: 'bearer', auth_token: 't' };
    expect((await registry.call('PUT', path, change)).status).toBe(200);
    letGo();
    expect((await refreshed).status).toBe(200);
    const now = { name: 'renamed', description: 'elsewhere', url: moved, authType: 'bearer' };
    expect((await registry.call('GET', path)).json).toMatchObject(now);
    expect(registry.upstreams.asked.at(-1)).toMatchObject({ url: moved, headers: { authorization: 'Bearer t' } });
    const tools = (await registry.call('GET', '/tools')).json;
    expect(tools.map((tool: Json) => tool.originalName)).toEqual(['brand_new']);
  });

  it('loses neither of two changes to one gateway that come at once', async () => {
    const gateway = await register();
    const path = `/gateways/${gateway.id}`;
    const moved = 'http://127.0.0.1:9001/mcp';
    registry.upstreams.offers.set(moved, fastTime);
    const { held, letGo } = holdUpstreams(2);
    const changes = [{ url: moved }, { auth_type: 'bearer', auth_token: 't' }].map((body) =>
      registry.call('PUT', path, body),
    );
    await expect.poll(held).toBe(2);
    expect((await registry.call('PUT', path, { name: 'renamed' })).status).toBe(200);
    letGo();
    expect((await Promise.all(changes)).map((answer) => answer.status)).toEqual([200, 200]);
    const now = { name: 'renamed', url: moved, authType: 'bearer' };
    expect((await registry.call('GET', path)).json).toMatchObject(now);
    expect(registry.upstreams.asked.at(-1)).toMatchObject({ url: moved, headers: { authorization: 'Bearer t' } });
  });

  it('answers 404 to a refresh of a gateway that is deleted meanwhile', async () => {
    const gateway = await register();
    const { held, letGo } = holdUpstreams(1);
    const refreshed = registry.call('POST', `/gateways/${gateway.id}/tools/refresh`);
    await expect.poll(held).toBe(1);
    await registry.call('DELETE', `/gateways/${gateway.id}`);
    letGo();
    expect((await refreshed).status).toBe(404);
  });

  it('does not ask an upstream again when only its description changed', async () => {
    const gateway = await register();
    const asked = registry.upstreams.asked.length;
    const { json } = await registry.call('PUT', `/gateways/${gateway.id}`, { description: 'the clock' });
    expect(json.description).toBe('the clock');
    expect(registry.upstreams.asked.length).toBe(asked);
  });

  it('sends an upstream’s credentials to it and shows them to nobody', async () => {
    await register({ auth_type: 'bearer', auth_token: 'very-secret' });
    expect(registry.upstreams.asked.at(-1)?.headers).toEqual({ authorization: 'Bearer very-secret' });
    const answer = JSON.stringify((await registry.call('GET', '/gateways')).json);
    expect(answer).toContain('"authType":"bearer"');
    expect(answer).not.toContain('very-secret');
  });

  it('lives with credentials that cannot be read: others are checked, and new ones take their place', async () => {
    const { id } = await register({ auth_type: 'bearer', auth_token: 'lost' });
    registry.upstreams.offers.set('http://127.0.0.1:9001/mcp', fastTime);
    const other = await register({ name: 'other', url: 'http://127.0.0.1:9001/mcp' });
    // As they are when the gateway starts with another secret.
    await registry.store.query((db) =>
      db.updateTable('gateways').set({ headers_json: 'aes-256-gcm:AAAA' }).where('id', '=', id).execute(),
    );
    const watched = async () => (await registry.registry.gateways.watched()).map(({ address }) => address.id);
    expect(await watched()).toEqual([other.id]);
    expect(await watched()).toEqual([other.id]);
    expect(registry.warnings.filter((message) => message === 'a gateway is not checked any more')).toHaveLength(1);
    expect((await registry.call('PUT', `/gateways/${id}`, { description: 'without asking it' })).status).toBe(200);
    expect((await registry.call('PUT', `/gateways/${id}`, { url: `${url}?a` })).json).toMatchObject({
      code: 'GW_CREDENTIALS_UNREADABLE',
    });
    const mended = await registry.call('PUT', `/gateways/${id}`, { auth_type: 'bearer', auth_token: 'found' });
    expect(mended.status, JSON.stringify(mended.json)).toBe(200);
    expect(registry.upstreams.asked.at(-1)?.headers).toEqual({ authorization: 'Bearer found' });
    expect(await watched()).toEqual([id, other.id]);
  });

  it('pages by cursor through all entries once, in the upstream’s order', async () => {
    registry.upstreams.offers.set(url, manyTools(120));
    await register({ name: 'many' });
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const { json } = await registry.call(
        'GET',
        `/tools?limit=50&include_pagination=true${cursor ? `&cursor=${cursor}` : ''}`,
      );
      seen.push(...json.tools.map((tool: Json) => tool.originalName));
      cursor = json.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBe(3);
    expect(seen).toEqual(manyTools(120).tools?.map((tool) => tool['name']));
  });

  it('pages by skip and limit, lowers a limit that is too large and refuses what is no number', async () => {
    registry.upstreams.offers.set(url, manyTools(600));
    await register({ name: 'many' });
    const page = (await registry.call('GET', '/tools?skip=10&limit=2')).json;
    expect(page.map((tool: Json) => tool.originalName)).toEqual(['tool_010', 'tool_011']);
    expect((await registry.call('GET', '/tools')).json).toHaveLength(50);
    expect((await registry.call('GET', '/tools?limit=100000')).json).toHaveLength(500);
    const bad = await registry.call('GET', '/tools?limit=many&skip=-1');
    expect(bad.status).toBe(422);
    expect(bad.json.faults.map((fault: Json) => fault.path).toSorted()).toEqual(['/limit', '/skip']);
    const foreign = (await registry.call('GET', '/tools?limit=1')).headers['x-next-cursor'];
    expect((await registry.call('GET', `/prompts?cursor=${foreign}`)).json.code).toBe('GW_INVALID_CURSOR');
  });

  it('creates, reads, updates and deletes a tool by hand', async () => {
    const gateway = await register();
    const created = await registry.call('POST', '/tools', {
      tool: {
        name: 'my_clock',
        gateway_id: gateway.id,
        original_name: 'get_system_time',
        input_schema: { type: 'object' },
      },
    });
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({ name: 'my_clock', originalName: 'get_system_time', gatewayId: gateway.id });
    const path = `/tools/${created.json.id}`;
    const updated = await registry.call('PUT', path, { name: 'clock', description: 'mine', displayName: 'Clock' });
    expect(updated.json).toMatchObject({ name: 'clock', description: 'mine', displayName: 'Clock' });
    expect((await registry.call('GET', path)).json).toEqual(updated.json);
    expect((await registry.call('POST', '/tools', { name: 'clock', gatewayId: gateway.id })).status).toBe(409);
    expect((await registry.call('DELETE', path)).json.status).toBe('success');
    expect((await registry.call('GET', path)).status).toBe(404);
    expect((await registry.call('DELETE', path)).status).toBe(404);
  });

  it('loses neither of two changes to one tool that come at once', async () => {
    await register();
    const [tool] = (await registry.call('GET', '/tools')).json;
    await Promise.all([
      registry.call('PUT', `/tools/${tool.id}`, { description: 'new' }),
      registry.call('PUT', `/tools/${tool.id}`, { annotations: { readOnlyHint: true } }),
    ]);
    expect((await registry.call('GET', `/tools/${tool.id}`)).json).toMatchObject({
      description: 'new',
      annotations: { readOnlyHint: true },
    });
  });

  it('creates resources, resource templates and prompts by hand', async () => {
    const gateway = await register();
    const resource = { uri: 'time://moon', name: 'moon', gateway_id: gateway.id, mime_type: 'text/plain' };
    expect((await registry.call('POST', '/resources', { resource })).json).toMatchObject({
      uri: 'time://moon',
      mimeType: 'text/plain',
    });
    expect((await registry.call('POST', '/resources', { resource })).status).toBe(409);
    const template = { uriTemplate: 'moon://{phase}', name: 'phase', gatewayId: gateway.id };
    expect((await registry.call('POST', '/resources/templates', template)).json.uriTemplate).toBe('moon://{phase}');
    const prompt = { name: 'ask', gatewayId: gateway.id, arguments: [{ name: 'what' }] };
    expect((await registry.call('POST', '/prompts', { prompt })).json).toMatchObject({
      name: 'ask',
      arguments: [{ name: 'what' }],
    });
  });

  it('refuses an entry whose gateway does not exist with 404', async () => {
    const { status, json } = await registry.call('POST', '/tools', { name: 't', gatewayId: 'nobody' });
    expect([status, json.code]).toEqual([404, 'GW_NOT_FOUND']);
  });

  it('hides what is switched off, unless asked for', async () => {
    await register();
    const [tool] = (await registry.call('GET', '/tools')).json;
    expect((await registry.call('POST', `/tools/${tool.id}/toggle?activate=false`)).json.enabled).toBe(false);
    expect((await registry.call('GET', '/tools')).json).toHaveLength(1);
    expect((await registry.call('GET', '/tools?include_inactive=true')).json).toHaveLength(2);
    expect((await registry.call('POST', `/tools/${tool.id}/state?activate=true`)).json.enabled).toBe(true);
    expect((await registry.call('GET', '/tools')).json).toHaveLength(2);
    expect((await registry.call('POST', '/tools/none/toggle?activate=true')).status).toBe(404);
  });

  it('takes requests without a body from clients that name its type all the same', async () => {
    await register();
    const [tool] = (await registry.call('GET', '/tools')).json;
    const headers = { 'content-type': 'application/json' };
    const toggled = await registry.app.inject({ method: 'POST', url: `/tools/${tool.id}/toggle`, headers });
    expect(toggled.statusCode).toBe(200);
    const deleted = await registry.app.inject({ method: 'DELETE', url: `/tools/${tool.id}`, headers });
    expect(deleted.statusCode).toBe(200);
    const created = await registry.app.inject({ method: 'POST', url: '/servers', headers });
    expect([created.statusCode, created.json().code]).toEqual([422, 'GW_INVALID_REQUEST']);
    const payload = '{"name":"a","__proto__":{"b":1}}';
    expect((await registry.app.inject({ method: 'POST', url: '/servers', headers, payload })).statusCode).toBe(400);
  });

  it('refuses NUL in a text and a body that is nested too deeply as the client’s fault', async () => {
    await register();
    const nul = await registry.call('POST', '/servers', { name: 'a\0b' });
    expect([nul.status, nul.json.code]).toEqual([422, 'GW_INVALID_REQUEST']);
    expect((await registry.call('GET', '/tools/a%00b')).status).toBe(422);
    const deep = `{"name":"deep","deep":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await registry.app.inject({ method: 'POST', url: '/servers', headers, payload: deep });
    // Before it is read: a parser that calls itself would run out of stack.
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'GW_BODY_REFUSED']);
  });
});

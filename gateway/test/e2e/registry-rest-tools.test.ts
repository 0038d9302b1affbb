import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createRestCalls } from '../../src/federation/rest-tool.ts';
import { createRouter } from '../../src/federation/router.ts';
import { callerOf } from '../caller-of.ts';
import { describeWithRegistry, type Json, type RegistryApp } from './registry-app.ts';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  authorization: string | undefined;
  body: string;
}

/** An HTTP API; `answer` says what it does with a request. */
async function startApi(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method, url, headers } = request;
    seen.push({ method, url, authorization: headers.authorization, body });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const celsius = (_: IncomingMessage, response: ServerResponse) => response.end('{"celsius": 21}');

async function call(registry: RegistryApp, name: string, args: object, timeoutMs = 2000): Promise<Json> {
  await using calls = createRestCalls({ ...registry.config, TOOL_TIMEOUT: timeoutMs / 1000 });
  const { catalog } = registry.registry;
  const of = () => {
    throw new Error('a REST tool has no upstream');
  };
  const router = createRouter(catalog, { of }, calls.call);
  const params = { name, arguments: args };
  const forwarded = { kind: 'tools', method: 'tools/call', nameMember: 'name', name } as const;
  const answer = await router.forward({ ...forwarded, params, paramsJson: JSON.stringify(params) }, callerOf());
  return answer?.ok === true ? JSON.parse(answer.resultJson) : answer;
}

const inputSchema = {
  type: 'object',
  properties: { city: { type: 'string', minLength: 1 }, days: { type: 'integer' } },
  required: ['city'],
};

describeWithRegistry('REST tools', ({ registry }) => {
  const create = async (body: object): Promise<Json> => {
    const made = await registry.call('POST', '/tools', { tool: body });
    expect(made.status, JSON.stringify(made.json)).toBe(201);
    return made.json;
  };

  it('calls an HTTP API: the path, the query and credentials are filled in, and they show in no answer', async () => {
    await using api = await startApi(celsius);
    const tool = await create({
      name: 'weather',
      url: `${api.url}/v1/{city}/weather?units=c`,
      integration_type: 'REST',
      request_type: 'GET',
      auth_type: 'bearer',
      auth_token: 'very-secret',
      input_schema: inputSchema,
      description: 'The weather of a city.',
    });
    expect(tool).toMatchObject({ integrationType: 'REST', requestType: 'GET', name: 'weather', gatewayId: null });
    const answer = await call(registry, 'weather', { city: 'São Paulo', days: 2 });
    expect(answer).toEqual({
      content: [{ type: 'text', text: '{"celsius": 21}' }],
      structuredContent: { celsius: 21 },
      isError: false,
    });
    expect(api.seen).toEqual([
      {
        method: 'GET',
        url: '/v1/S%C3%A3o%20Paulo/weather?units=c&days=2',
        authorization: 'Bearer very-secret',
        body: '',
      },
    ]);
    const shown = await Promise.all([registry.call('GET', '/tools'), registry.call('GET', `/tools/${tool.id}`)]);
    expect(JSON.stringify(shown)).not.toContain('very-secret');
    const rows = await registry.store.query((db) => db.selectFrom('entries').selectAll().execute());
    expect(JSON.stringify(rows)).not.toContain('very-secret');
    expect((await registry.call('GET', '/gateways')).json).toEqual([]);
  });

  it('sends what the URL does not take as the JSON body of a POST', async () => {
    await using api = await startApi(celsius);
    await create({ name: 'post', url: `${api.url}/{city}`, input_schema: inputSchema });
    await call(registry, 'post', { city: 'Rome', days: 3 });
    expect(api.seen).toMatchObject([{ method: 'POST', url: '/Rome', body: '{"days":3}' }]);
  });

  it('checks arguments against the schema before anything is sent', async () => {
    await using api = await startApi(celsius);
    await create({ name: 'checked', url: api.url, input_schema: inputSchema });
    const answer = await call(registry, 'checked', { days: 'two' });
    expect(answer.isError).toBe(true);
    expect(answer.content[0].text).toContain("must have required property 'city'");
    expect(answer.content[0].text).toContain('/days must be integer');
    expect(api.seen).toEqual([]);
  });

  it('lets no argument climb out of the path of the URL', async () => {
    await using api = await startApi(celsius);
    const two = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } };
    const url = `${api.url}/v1/users/{a}/.{b}/notes?at={c}`;
    await create({ name: 'climbing', url, request_type: 'GET', input_schema: two });
    for (const args of [
      { a: '..', b: 'x' },
      { a: '.', b: 'x' },
      { a: '%2e%2e/..', b: '.' },
      { a: 'x', b: '.' },
      { a: 'x' },
    ]) {
      const answer = await call(registry, 'climbing', args);
      expect(answer, JSON.stringify(args)).toMatchObject({ isError: true });
      expect(answer.content[0].text).toContain('cannot stand in the path');
    }
    expect(api.seen).toEqual([]);
    expect(await call(registry, 'climbing', { a: '%2e%2e', b: '../..', c: '..' })).toMatchObject({ isError: false });
    expect(await call(registry, 'climbing', { a: '...', b: 'x' })).toMatchObject({ isError: false });
    expect(api.seen.map(({ url }) => url)).toEqual([
      '/v1/users/%252e%252e/...%2F../notes?at=..',
      '/v1/users/.../.x/notes?at=',
    ]);
  });

  it('tells what the API refuses as an error of the tool, and follows no redirect', async () => {
    await using api = await startApi((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      else response.writeHead(404).end('no such city');
    });
    await create({ name: 'refusing', url: `${api.url}/x`, request_type: 'GET' });
    await create({ name: 'redirecting', url: `${api.url}/redirect`, request_type: 'GET' });
    expect(await call(registry, 'refusing', {})).toMatchObject({
      isError: true,
      content: [{ text: 'HTTP 404: no such city' }],
    });
    expect(await call(registry, 'redirecting', {})).toMatchObject({ isError: true, content: [{ text: 'HTTP 302' }] });
    expect(api.seen).toHaveLength(2);
  });

  it('fails with our codes when the API is silent or gone', async () => {
    await using api = await startApi(() => undefined);
    await create({ name: 'silent', url: api.url, request_type: 'GET' });
    await create({ name: 'gone', url: 'http://127.0.0.1:1/', request_type: 'GET' });
    await expect(call(registry, 'silent', {}, 100)).rejects.toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
    await expect(call(registry, 'gone', {})).rejects.toMatchObject({ code: 'GW_UPSTREAM_UNREACHABLE' });
  });

  it('changes what is called, and refuses such a change for a tool of an upstream', async () => {
    await using api = await startApi(celsius);
    const tool = await create({ name: 'moved', url: 'http://127.0.0.1:1/', request_type: 'GET' });
    const changed = await registry.call('PUT', `/tools/${tool.id}`, { url: `${api.url}/new`, tags: ['B', 'a b'] });
    expect(changed.json).toMatchObject({ url: `${api.url}/new`, requestType: 'GET', tags: ['a-b', 'b'] });
    await call(registry, 'moved', {});
    expect(api.seen).toMatchObject([{ url: '/new' }]);
  });

  it('refuses what is no URL of http, no JSON Schema, an address that may not be called, or a gateway that is ours', async () => {
    const refusals = [
      { name: 'a', url: 'ftp://127.0.0.1/' },
      { name: 'a', url: 'http://{host}/x', integration_type: 'REST' },
      { name: 'a', url: 'http://127.0.0.1/', input_schema: { type: 'nonsense' } },
      { name: 'a', url: 'http://169.254.169.254/latest' },
      { name: 'a', url: 'http://127.0.0.1/', headers: { 'x-a': 'one\r\ntwo: 3' } },
    ];
    for (const tool of refusals) expect((await registry.call('POST', '/tools', { tool })).status).toBe(422);
    const stolen = { name: 'a', integration_type: 'MCP', gateway_id: 'rest' };
    expect((await registry.call('POST', '/tools', { tool: stolen })).status).toBe(404);
    expect((await registry.call('GET', '/gateways/rest')).status).toBe(404);
    expect((await registry.call('DELETE', '/gateways/rest')).status).toBe(404);
    expect((await registry.call('POST', '/gateways/rest/toggle?activate=false')).status).toBe(404);
    expect((await registry.call('GET', '/tools')).json).toEqual([]);
  });
});

describeWithRegistry('tags', ({ registry, register }) => {
  it('filters every list by tags, of which an entry needs one', async () => {
    const gateway = await register({ tags: ['Time', 'prod'] });
    expect(gateway.tags).toEqual(['prod', 'time']);
    const [tool] = (await registry.call('GET', '/tools')).json;
    await registry.call('PUT', `/tools/${tool.id}`, { tags: ['clock'] });
    await registry.call('POST', '/servers', { name: 'tagged', tags: ['clock', 'x'] });
    const namesOf = async (url: string) => (await registry.call('GET', url)).json.map((one: Json) => one.name);
    expect(await namesOf('/tools?tags=clock,none')).toEqual([tool.name]);
    expect(await namesOf('/tools?tags=clo')).toEqual([]);
    expect(await namesOf('/gateways?tags=time')).toEqual(['fast_time']);
    expect(await namesOf('/gateways?tags=none')).toEqual([]);
    expect(await namesOf('/servers?tags=x')).toEqual(['tagged']);
    expect(await namesOf('/servers?tags=%25')).toEqual([]);
  });
});

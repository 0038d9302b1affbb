import { EventEmitter } from 'node:events';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { dispatch, type McpServer } from '../../src/upstream/dispatch.ts';
import { createOffer } from '../../src/upstream/offer.ts';
import { createSyntheticParts } from '../../src/upstream/synthetic/index.ts';
import { defineTool } from '../../src/upstream/tool.ts';

const failures: unknown[] = [];
const broken = defineTool({
  name: 'broken',
  title: 'Broken',
  description: 'throws',
  input: Type.Object({}),
  run: () => {
    throw new Error('a defect');
  },
});
const parts = createSyntheticParts({ tools: 8, resources: 4, prompts: 2 });
const server: McpServer = {
  name: 'test',
  version: '1.2.3',
  offer: createOffer({ ...parts, tools: [...parts.tools, broken] }, 1000),
  reportFailure: (error) => failures.push(error),
};

async function ask(message: unknown) {
  const text = await dispatch(server, message, new EventEmitter());
  return text === undefined ? undefined : JSON.parse(text);
}

const request = (method: string, params?: unknown) => ask({ jsonrpc: '2.0', id: 1, method, params });

test('the answer carries the id of its request, text or number', async () => {
  for (const id of [0, -1, 2 ** 53, 'a"b', '']) {
    expect(await ask({ jsonrpc: '2.0', id, method: 'ping' })).toEqual({ jsonrpc: '2.0', id, result: {} });
  }
});

test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('initialize agrees to %s', async (version) => {
  const answer = await request('initialize', { protocolVersion: version });
  expect(answer.result).toEqual({
    protocolVersion: version,
    capabilities: { tools: {}, resources: {}, prompts: {} },
    serverInfo: { name: 'test', version: '1.2.3' },
  });
});

test('initialize answers an unknown version with the newest, and needs one', async () => {
  expect((await request('initialize', { protocolVersion: '2030-01-01' })).result.protocolVersion).toBe('2025-11-25');
  expect((await request('initialize', {})).error.code).toBe(-32_602);
});

test.each([
  ['no object', 'text', -32_600],
  ['null', null, -32_600],
  ['no version', { id: 1, method: 'ping' }, -32_600],
  ['another version', { jsonrpc: '1.0', id: 1, method: 'ping' }, -32_600],
  ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'ping' }, -32_600],
  ['an id that is null', { jsonrpc: '2.0', id: null, method: 'ping' }, -32_600],
  ['a method that is a number', { jsonrpc: '2.0', id: 1, method: 7 }, -32_600],
  ['no method', { jsonrpc: '2.0', id: 1 }, -32_600],
  ['params that are a list', { jsonrpc: '2.0', id: 1, method: 'ping', params: [] }, -32_602],
  ['an unknown method', { jsonrpc: '2.0', id: 1, method: 'tools/none' }, -32_601],
  ['a method named as a property of all objects', { jsonrpc: '2.0', id: 1, method: '__proto__' }, -32_601],
])('a message with %s is answered with the error of JSON-RPC', async (_name, message, code) => {
  expect((await ask(message)).error.code).toBe(code);
});

test('notifications and answers get no answer', async () => {
  expect(await ask({ jsonrpc: '2.0', method: 'notifications/initialized' })).toBeUndefined();
  expect(await ask({ jsonrpc: '2.0', id: 1, result: {} })).toBeUndefined();
  expect(await ask({ jsonrpc: '2.0', id: 1, error: { code: 1, message: '' } })).toBeUndefined();
});

test('lists what it offers, with schemas in which only what has no default is required', async () => {
  const { tools } = (await request('tools/list')).result;
  expect(tools.map((tool: { name: string }) => tool.name)).toEqual([
    'echo_1',
    'sum_2',
    'digest_3',
    'payload_4',
    'echo_5',
    'sum_6',
    'digest_7',
    'payload_8',
    'broken',
  ]);
  expect(tools[2].inputSchema.required).toEqual(['text']);
  expect((await request('resources/list')).result.resources).toHaveLength(4);
  expect((await request('prompts/list')).result.prompts).toHaveLength(2);
  expect((await request('resources/templates/list')).result).toEqual({ resourceTemplates: [] });
});

test('each kind of synthetic tool does what it says', async () => {
  const call = async (name: string, args: unknown) => (await request('tools/call', { name, arguments: args })).result;
  expect(await call('echo_1', { message: 'ü "quoted"\n\u2028' })).toEqual({
    content: [{ type: 'text', text: 'ü "quoted"\n\u2028' }],
  });
  expect((await call('sum_2', { numbers: [1, 2, 3.5] })).structuredContent).toEqual({ count: 3, sum: 6.5 });
  expect((await call('digest_3', { text: 'abc' })).content[0].text).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  for (const size_bytes of [0, 1, 100_000]) {
    expect((await call('payload_4', { size_bytes })).content[0].text).toHaveLength(size_bytes);
  }
});

test('bad arguments are a result with isError that names each fault', async () => {
  const { result } = await request('tools/call', { name: 'digest_3', arguments: { rounds: 0 } });
  expect(result.isError).toBe(true);
  expect(result.content[0].text).toMatch(/text.*\/rounds must be >= 1/s);
  for (const args of [7, 'text', [], null]) {
    expect((await request('tools/call', { name: 'echo_1', arguments: args })).result.isError).toBe(true);
  }
});

test('an unknown tool, resource, prompt or cursor is an error of the request', async () => {
  expect((await request('tools/call', { name: 'none' })).error.code).toBe(-32_602);
  expect((await request('tools/call', { name: { a: 1 } })).error.code).toBe(-32_602);
  expect((await request('resources/read', { uri: 'benchmark://resource/99' })).error.code).toBe(-32_002);
  expect((await request('resources/read', {})).error.code).toBe(-32_602);
  expect((await request('prompts/get', { name: 'prompt_9' })).error.code).toBe(-32_602);
  for (const cursor of ['1', 'x', '', '-1', 7, 'length']) {
    expect((await request('tools/list', { cursor })).error?.code, String(cursor)).toBe(-32_602);
  }
});

test('what cannot be written in a message is an error of the request, not a failure of ours', async () => {
  const deep: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  const before = failures.length;
  for (const [method, params] of [
    ['tools/call', { name: deep }],
    ['prompts/get', { name: deep }],
    ['tools/list', { cursor: deep }],
  ] as const) {
    expect((await request(method, params)).error?.code, method).toBe(-32_602);
  }
  expect(failures.length).toBe(before);
});

test('a prompt fills in its arguments and insists on the required ones', async () => {
  const { result } = await request('prompts/get', { name: 'prompt_1', arguments: { topic: 'queues' } });
  expect(result.messages[0].content.text).toBe('Summarise queues in a short style (prompt 1).');
  expect((await request('prompts/get', { name: 'prompt_1' })).error.message).toMatch(/topic is required/);
  expect((await request('prompts/get', { name: 'prompt_1', arguments: { topic: 7 } })).error.code).toBe(-32_602);
});

test('a defect in a tool is told to the server, and to the client only as an internal error', async () => {
  const { error } = await request('tools/call', { name: 'broken', arguments: {} });
  expect(error).toEqual({ code: -32_603, message: 'internal error' });
  expect(failures).toMatchObject([{ message: 'a defect' }]);
});

test('a list longer than a page goes on at its cursor, and every entry comes once', async () => {
  const paged: McpServer = { ...server, offer: createOffer(parts, 3) };
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: cursor === undefined ? {} : { cursor } };
    const { result } = JSON.parse(String(await dispatch(paged, message, new EventEmitter())));
    for (const tool of result.tools) names.push(tool.name);
    cursor = result.nextCursor;
  } while (cursor !== undefined);
  expect(names).toEqual(parts.tools.map((tool) => tool.definition.name));
});

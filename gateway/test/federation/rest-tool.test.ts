// Where the arguments of a REST tool may lead its request.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRestCalls, type RestTool } from '../../src/federation/rest-tool.ts';
import { configOf } from '../config-of.ts';

const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(String(request.url));
  response.end('{}');
});
let origin = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

async function call(path: string, args: Record<string, unknown>) {
  const tool: RestTool = {
    url: `${origin}${path}`,
    method: 'GET',
    headers: { authorization: 'Bearer secret' },
    inputSchema: { type: 'object' },
  };
  await using calls = createRestCalls(configOf({}));
  asked.length = 0;
  const answer = await calls.call(tool, args, new AbortController().signal);
  return answer.ok ? (JSON.parse(answer.resultJson) as { isError: boolean; content: { text: string }[] }) : undefined;
}

test.each([
  ['/v1/users/{id}/profile', { id: '..' }],
  ['/v1/users/{id}/profile', { id: '.' }],
  ['/v1/users/{id}', { id: '..' }],
  ['/v1/{a}{b}/admin', { a: '.', b: '.' }],
  ['/v1/.{a}/admin', { a: '.' }],
  ['/v1/%2e{a}/admin', { a: '.' }],
  ['/v1/{a}.{b}/admin?x={a}', {}],
])('%s is not called with %j: it would lead elsewhere', async (path, args) => {
  expect(await call(path, args)).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('path of its URL') }],
  });
  expect(asked).toEqual([]);
});

test.each([
  ['/v1/users/{id}', { id: '...' }, '/v1/users/...'],
  ['/v1/users/{id}', { id: '../admin' }, '/v1/users/..%2Fadmin'],
  ['/v1/users/{id}', { id: '%2e%2e' }, '/v1/users/%252e%252e'],
  ['/v1/users/{id}', { id: '..\\admin' }, '/v1/users/..%5Cadmin'],
  ['/v1/files/{name}.txt', { name: '.' }, '/v1/files/..txt'],
  ['/v1/users?name={id}', { id: '..' }, '/v1/users?name=..'],
  ['/v1/users', { id: '..' }, '/v1/users?id=..'],
  ['/v1/../v2/{id}', { id: '1' }, '/v2/1'],
])('%s with %j is %s', async (path, args, url) => {
  expect(await call(path, args)).toMatchObject({ isError: false });
  expect(asked).toEqual([url]);
});

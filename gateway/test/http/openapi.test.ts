import { expect, it } from 'vitest';
import { createTestApp } from '../test-app.ts';

interface Operation {
  tags: string[];
  summary: string;
  security: object[];
  requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown>; anyOf?: unknown[] } }> };
}

it('describes every route, what the registry takes, and what needs a token', async () => {
  await using test = createTestApp();
  const response = await test.send({ url: '/openapi.json' });
  expect(response.statusCode).toBe(200);
  const { openapi, paths } = response.json<{ openapi: string; paths: Record<string, Record<string, Operation>> }>();
  expect(openapi).toBe('3.1.0');
  const operations = Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ path, method, operation })),
  );
  for (const { path, method, operation } of operations) {
    expect(operation.tags, `${method} ${path}`).toHaveLength(1);
    expect(operation.summary, `${method} ${path}`).toMatch(/./);
  }
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/tools', '/tools/{id}', '/gateways', '/servers/{id}/mcp', '/rpc', '/auth/login']),
  );
  const created = paths['/gateways']?.['post']?.requestBody?.content['application/json']?.schema;
  expect(JSON.stringify(created)).toContain('authToken');
  expect(paths['/tools']?.['post']?.requestBody?.content['application/json']?.schema.anyOf).toHaveLength(2);
  expect(paths['/health']?.['get']?.security).toEqual([]);
  expect(paths['/tools']?.['get']?.security).toEqual([{ bearer: [] }]);
});

it('takes bodies as before: the description decides nothing', async () => {
  await using test = createTestApp();
  const response = await test.post('/gateways', { gateway: { name: 'x', url: 'no url' } });
  expect(response.json()).toMatchObject({ code: 'GW_INVALID_REQUEST' });
});

it('serves a page to read it, without anything from elsewhere', async () => {
  await using test = createTestApp();
  const page = await test.send({ url: '/docs/' });
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-type']).toContain('text/html');
  expect(page.body).not.toMatch(/(src|href)="https?:/);
});

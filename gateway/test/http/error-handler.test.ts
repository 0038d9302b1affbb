import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { registerErrorHandler } from '../../src/http/error-handler.ts';

function startApp() {
  const app = Fastify({ bodyLimit: 1024 });
  registerErrorHandler(app, () => undefined);
  app.post('/echo', async (request) => request.body);
  app.get('/ours', async () => {
    throw new GatewayError('GW_CONFLICT', { detail: 'two', faults: [{ path: '/a', message: 'b' }] });
  });
  app.get('/bug', async () => {
    throw new Error('password=secret');
  });
  return app;
}

const json = { 'content-type': 'application/json' };

it('answers our errors with their status, code, detail, hint and faults', async () => {
  const answer = await startApp().inject('/ours');
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toEqual({
    code: 'GW_CONFLICT',
    message: 'it exists already',
    detail: 'two',
    hint: expect.stringContaining('PUT'),
    faults: [{ path: '/a', message: 'b' }],
  });
});

it('answers a fault of our own with 500 and tells nothing of the inside', async () => {
  const answer = await startApp().inject('/bug');
  expect([answer.statusCode, answer.json().code]).toEqual([500, 'GW_INTERNAL']);
  expect(answer.body).not.toContain('secret');
});

it('answers what Fastify refuses as the client’s fault, in the same shape', async () => {
  const app = startApp();
  const broken = await app.inject({ method: 'POST', url: '/echo', headers: json, payload: '{"a":' });
  expect([broken.statusCode, broken.json().code]).toEqual([400, 'GW_INVALID_REQUEST']);
  const large = await app.inject({ method: 'POST', url: '/echo', headers: json, payload: `"${'x'.repeat(2000)}"` });
  expect([large.statusCode, large.json().code]).toEqual([413, 'GW_BODY_TOO_LARGE']);
  const type = await app.inject({ method: 'POST', url: '/echo', headers: { 'content-type': 'a/b' }, payload: 'x' });
  expect([type.statusCode, type.json().code]).toEqual([415, 'GW_INVALID_REQUEST']);
});

it('answers 404 for a path that is not served', async () => {
  const answer = await startApp().inject('/nowhere?token=secret');
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'GW_NOT_FOUND']);
  expect(answer.body).not.toContain('secret');
});

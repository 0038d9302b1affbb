import zlib, { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { compressAnswers } from '../../src/http/compress.ts';
import { chooseEncoding } from '../../src/http/encoding.ts';
import type { Store } from '../../src/store/store.ts';
import { createTestApp } from '../test-app.ts';

const listTools = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const small = { COMPRESSION_MINIMUM_SIZE: '50' };

function textApp(headers: Record<string, string> = {}, text = 'word '.repeat(200)) {
  const config = {
    COMPRESSION_MINIMUM_SIZE: 500,
    COMPRESSION_GZIP_LEVEL: 6,
    COMPRESSION_BROTLI_QUALITY: 4,
    COMPRESSION_ZSTD_LEVEL: 3,
  };
  const app = Fastify();
  compressAnswers(app, config);
  app.get('/', (_request, reply) => reply.headers({ 'content-type': 'text/plain', ...headers }).send(text));
  const get = (asked: Record<string, string> = { 'accept-encoding': 'gzip' }) =>
    app.inject({ url: '/', headers: asked });
  return { app, config, get, text };
}

it('takes the encoding that the client likes best, and brotli when it likes several as much', () => {
  expect(chooseEncoding('gzip, deflate, br')).toBe('br');
  expect(chooseEncoding('gzip;q=1.0, br;q=0.5')).toBe('gzip');
  expect(chooseEncoding('br;q=0, *')).not.toBe('br');
  expect(chooseEncoding('deflate')).toBeUndefined();
  expect(chooseEncoding('gzip;q=0')).toBeUndefined();
  expect(chooseEncoding('gzip;q=0.5, identity')).toBeUndefined();
  expect(chooseEncoding('X-GZIP')).toBe('gzip');
  expect(chooseEncoding(undefined)).toBeUndefined();
});

it('compresses answers by brotli and gzip, and says so to caches', async () => {
  await using test = createTestApp({ environment: small });
  const plain = await test.post('/rpc', listTools);
  const br = await test.post('/rpc', listTools, { 'accept-encoding': 'gzip, br' });
  expect(br.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' });
  expect(brotliDecompressSync(br.rawPayload).toString()).toBe(plain.body);
  expect(Number(br.headers['content-length'])).toBe(br.rawPayload.length);
  const gzip = await test.post('/rpc', listTools, { 'accept-encoding': 'gzip' });
  expect(gunzipSync(gzip.rawPayload).toString()).toBe(plain.body);
});

it('compresses answers that are bytes, as the lists of the registry are', async () => {
  const { app, text } = textApp();
  app.get('/bytes', (_request, reply) => reply.type('application/json').send(Buffer.from(text)));
  const bytes = await app.inject({ url: '/bytes', headers: { 'accept-encoding': 'gzip' } });
  expect(bytes.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  expect(Number(bytes.headers['content-length'])).toBe(bytes.rawPayload.length);
  expect(gunzipSync(bytes.rawPayload).toString()).toBe(text);

  const store = { read: async () => [], query: async () => undefined } as unknown as Store;
  const environment = { COMPRESSION_MINIMUM_SIZE: '0', DB_METRICS_RECORDING_ENABLED: 'false' };
  await using test = createTestApp({ store, environment });
  const headers = { 'accept-encoding': 'gzip' };
  const list = await test.send({ method: 'GET', url: '/gateways?include_pagination=true', headers });
  expect(list.headers['content-encoding']).toBe('gzip');
  expect(JSON.parse(gunzipSync(list.rawPayload).toString())).toEqual({ gateways: [] });
});

it('names Accept-Encoding in Vary also for whoever takes no encoding', async () => {
  await using test = createTestApp({ environment: small });
  expect((await test.post('/rpc', listTools)).headers['vary']).toBe('Accept-Encoding');
});

it('leaves answers below COMPRESSION_MINIMUM_SIZE as they are', async () => {
  await using test = createTestApp({ environment: { COMPRESSION_MINIMUM_SIZE: '100000' } });
  const { headers } = await test.post('/rpc', listTools, { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBeUndefined();
  expect(headers['vary']).toBeUndefined();
});

it('compresses nothing with COMPRESSION_ENABLED=false', async () => {
  await using test = createTestApp({ environment: { ...small, COMPRESSION_ENABLED: 'false' } });
  const { headers } = await test.post('/rpc', listTools, { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBeUndefined();
});

it('obeys the levels, also when they change while it runs', async () => {
  const text = Array.from({ length: 3000 }, (_, at) => `${at * 7919} is number ${at}`).join(', ');
  const { get, config } = textApp({}, text);
  const size = async (encoding: string) => (await get({ 'accept-encoding': encoding })).rawPayload.length;
  const [gzip, br, zstd] = [await size('gzip'), await size('br'), await size('zstd')];
  config.COMPRESSION_GZIP_LEVEL = 1;
  config.COMPRESSION_BROTLI_QUALITY = 0;
  expect(await size('gzip')).toBeGreaterThan(gzip);
  expect(await size('br')).toBeGreaterThan(br);
  // Where Node has no zstd (before 22.15) nobody is promised it, and the level is never asked for.
  if (!('createZstdCompress' in zlib)) return expect(zstd).toBe(text.length);
  config.COMPRESSION_ZSTD_LEVEL = 19;
  expect(await size('zstd')).toBeLessThan(zstd);
});

it('answers the same bytes the third time, when they come from memory', async () => {
  const { get, text } = textApp();
  for (let time = 0; time < 3; time++) expect(gunzipSync((await get()).rawPayload).toString()).toBe(text);
});

it('weakens a strong ETag, which names other bytes', async () => {
  const { get } = textApp({ etag: '"v1"' });
  expect((await get()).headers['etag']).toBe('W/"v1"');
  expect((await get({})).headers['etag']).toBe('"v1"');
});

it('adds to a Vary that is there', async () => {
  expect((await textApp({ vary: 'Origin' }).get()).headers['vary']).toBe('Origin, Accept-Encoding');
});

it.each([
  ['a stream of events', { 'content-type': 'text/event-stream' }, {}],
  ['what does not compress', { 'content-type': 'image/png' }, {}],
  ['what has an encoding', { 'content-encoding': 'deflate' }, {}],
  ['what must not be transformed', { 'cache-control': 'no-transform' }, {}],
  ['what sets a cookie (BREACH)', { 'set-cookie': 'a=b' }, {}],
  ['what a cookie asked for (BREACH)', {}, { cookie: 'jwt_token=x' }],
])('does not compress %s', async (_what, headers, asked) => {
  const { get, text } = textApp(headers);
  const answer = await get({ 'accept-encoding': 'gzip', ...asked });
  expect(answer.body).toBe(text);
  expect(['deflate', undefined]).toContain(answer.headers['content-encoding']);
});

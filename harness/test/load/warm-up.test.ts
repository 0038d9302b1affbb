import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { warmUp } from '../../src/load/warm-up.ts';

test('a fault quotes the wrong answer without the token that it repeats', async () => {
  const token = 'a-token-that-nobody-may-see';
  const server = createServer((request, response) => {
    // The token lies across the end of what is quoted.
    response.writeHead(401).end(`${'x'.repeat(185)} ${request.headers.authorization}`);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const request = { name: 'list', method: 'GET', path: '/', headers: {}, auth: true, body: null, rpcId: null };
  const expected = { status: 200, jsonRpc: false, body: [] };
  const { answer, fault } = await warmUp(
    {
      baseUrl: `http://127.0.0.1:${port}`,
      token,
      requests: [{ ...request, expect: expected }],
      minimum: 1,
      maxSeconds: 5,
      concurrency: 1,
      timeoutMs: 1000,
    },
    new AbortController().signal,
  );
  expect(answer).toBeNull();
  expect(fault).toMatch(/^list: status 401: x{185} Bearer/);
  expect(fault).not.toContain('a-token');
});

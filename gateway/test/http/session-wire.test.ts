// What the SSE transport and a WebSocket have in common: one suite for both.
import { describe, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import type { Asked, TestAppOptions } from '../test-app.ts';
import { createTestApp } from '../test-app.ts';
import { initialize, openSse, openWebSocket } from './wire-clients.ts';

const call = (id: number, params: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'convert_time', ...params },
});

async function listening(answer?: TestAppOptions['answer'], environment: Record<string, string> = {}) {
  const gateway = createTestApp({ environment, ...(answer && { answer }) });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return gateway;
}

/** Answers when the gate of that number opens. */
function gated() {
  const gates = new Map<number, () => void>();
  const answer = ({ paramsJson }: Asked) =>
    new Promise<{ ok: true; resultJson: string }>((resolve) => {
      const { at } = JSON.parse(paramsJson ?? '{}') as { at: number };
      gates.set(at, () => resolve({ ok: true, resultJson: `{"at":${at}}` }));
    });
  return { answer, open: (at: number) => gates.get(at)?.(), count: () => gates.size };
}

describe.each([
  ['SSE', openSse],
  ['WebSocket', openWebSocket],
])('%s', (_name, open) => {
  test('[MCP-WIRE-01] a session is initialised, lists and calls, of everything or of one virtual server', async () => {
    await using gateway = await listening();
    for (const [base, count] of [
      ['', 2],
      ['/servers/server-1', 1],
    ] as const) {
      const client = await open(gateway, { base });
      expect(await initialize(client)).toMatchObject({ id: 0, result: { protocolVersion: '2025-06-18' } });
      await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      await client.send({ jsonrpc: '2.0', id: 'a', method: 'tools/list' });
      const listed = await client.take();
      expect(listed).toMatchObject({ id: 'a', result: { tools: { length: count } } });
      await client.send(call(2, { n: 1 }));
      expect(await client.take()).toMatchObject({ id: 2, result: { echo: { name: 'convert_time', n: 1 } } });
      client.close();
    }
  });

  test('[MCP-WIRE-02] many calls run at a time, and each gets its own answer when it is there', async () => {
    const { answer, open: openGate, count } = gated();
    await using gateway = await listening(answer);
    const client = await open(gateway);
    await Promise.all(Array.from({ length: 50 }, (_, at) => client.send(call(at + 1, { at }))));
    await expect.poll(count).toBe(50);
    for (let at = 49; at >= 0; at--) openGate(at);
    for (let at = 49; at >= 0; at--) expect(await client.take()).toMatchObject({ id: at + 1, result: { at } });
    client.close();
  });

  test('[MCP-WIRE-03] an upstream asks its client, tells it, and is answered', async () => {
    await using gateway = await listening(async ({ peer, signal }) => {
      peer?.notify('notifications/progress', '{"progressToken":"p","progress":1}');
      const answer = await peer?.request('sampling/createMessage', '{"n":1}', signal ?? new AbortController().signal);
      return answer ?? { ok: false, error: { code: 1, message: 'no peer' } };
    });
    const client = await open(gateway);
    await initialize(client, '2025-06-18', { sampling: {} });
    await client.send(call(1));
    expect(await client.take()).toMatchObject({ method: 'notifications/progress', params: { progress: 1 } });
    const asked = await client.take();
    expect(asked).toMatchObject({ method: 'sampling/createMessage', params: { n: 1 } });
    await client.send({ jsonrpc: '2.0', id: (asked as { id: unknown }).id, result: { model: 'm' } });
    expect(await client.take()).toMatchObject({ id: 1, result: { model: 'm' } });
    expect(gateway.asked[0]?.session?.clientCapabilities).toEqual({ sampling: {} });
    client.close();
  });

  test('[MCP-WIRE-04] a client that cancels or goes away aborts what runs', async () => {
    const reasons: string[] = [];
    await using gateway = await listening(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => {
            reasons.push(String(signal.reason));
            reject(signal.reason);
          });
        }),
    );
    const client = await open(gateway);
    await client.send(call(1));
    await client.send(call(2));
    await expect.poll(() => gateway.asked.length).toBe(2);
    await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    await expect.poll(() => reasons).toEqual([expect.stringContaining('by its client')]);
    client.close();
    await expect.poll(() => reasons).toEqual([expect.any(String), expect.stringContaining('session ended')]);
  });

  test('[MCP-WIRE-05] batches are taken in 2025-03-26 alone', async () => {
    await using gateway = await listening();
    const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }));
    const older = await open(gateway);
    await initialize(older, '2025-03-26');
    await older.send(batch);
    expect(await older.take()).toMatchObject([{ id: 1 }, { id: 2 }]);
    const newer = await open(gateway);
    await initialize(newer, '2025-11-25');
    const status = await newer.send(batch);
    if (status === undefined) expect(await newer.take()).toMatchObject({ error: { code: -32600 } });
    else expect(status).toBe(400);
    older.close();
    newer.close();
  });

  test('[MCP-WIRE-06] text that is no message is refused, and the connection goes on', async () => {
    await using gateway = await listening();
    const client = await open(gateway);
    for (const text of ['{', '{"jsonrpc":"1.0","id":1,"method":"ping"}']) {
      const status = await client.send(text);
      if (status === undefined) expect(await client.take()).toMatchObject({ error: { code: expect.any(Number) } });
      else expect(status).toBe(400);
    }
    await client.send({ jsonrpc: '2.0', id: 3, method: 'ping' });
    expect(await client.take()).toMatchObject({ id: 3, result: {} });
    client.close();
  });

  test('the stateless revision is refused here, and told where it is served', async () => {
    await using gateway = await listening();
    const client = await open(gateway);
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const status = await client.send({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta } });
    if (status === undefined) expect(await client.take()).toMatchObject({ id: 1, error: { code: -32022 } });
    else expect(status).toBe(400);
    client.close();
  });

  test('[MCP-WIRE-07] a connection ends with its token', async () => {
    await using gateway = await listening(undefined, {
      SSE_KEEPALIVE_INTERVAL: '0.1',
      WEBSOCKET_PING_INTERVAL: '0.1',
    });
    const secret = 'a-secret-of-at-least-32-characters!!';
    const client = await open(gateway, { bearer: createToken({ secret, subject: 'admin', expiresInMinutes: 1 / 60 }) });
    await client.ended;
  });

  test('[MCP-WIRE-08] a gateway that stops lets calls end and tells their answers', async () => {
    const { answer, open: openGate, count } = gated();
    const gateway = await listening(answer);
    const [busy, idle] = [await open(gateway), await open(gateway)];
    await busy.send(call(1, { at: 0 }));
    await expect.poll(count).toBe(1);
    const closed = gateway[Symbol.asyncDispose]();
    await idle.ended;
    openGate(0);
    expect(await busy.take()).toMatchObject({ id: 1, result: { at: 0 } });
    await busy.ended;
    await closed;
  });

  test('[MCP-WIRE-09] there are never more sessions than MAX_SESSIONS', async () => {
    await using gateway = await listening(undefined, { MAX_SESSIONS: '1' });
    const client = await open(gateway);
    await expect(open(gateway)).rejects.toThrow('503');
    client.close();
    await client.ended;
  }, 2000);
});

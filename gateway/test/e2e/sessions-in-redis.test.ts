// Stateful sessions of gateways that share a Redis: they outlive a restart, and any gateway goes on with those of one that has ended.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { describeWithRedis, freePort, startRedis, type TestRedis } from '../redis.ts';
import { type EverythingUpstream, startEverythingUpstream } from './everything-upstream.ts';
import { type GatewayProcess, secret, startGateway } from './gateway-process.ts';
import { askMcp, openSession } from './mcp-requests.ts';

const ping = { method: 'ping' };
const call = { method: 'tools/call', params: { name: 'test_simple_text', arguments: {} } };

describeWithRedis('sessions in Redis (CACHE_TYPE=redis)', () => {
  describeWithPostgres('over PostgreSQL', () => {
    let postgres: TestPostgres;
    let redis: TestRedis;
    let upstream: EverythingUpstream;
    let databaseUrl: string;
    const folders: string[] = [];

    beforeAll(async () => {
      [postgres, redis, upstream] = await Promise.all([startPostgres(), startRedis(), startEverythingUpstream()]);
      databaseUrl = await postgres.createDatabase('sessions_in_redis');
      await redis.client.connect();
    });

    afterEach(async () => {
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
    });

    afterAll(async () => {
      await upstream?.[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
      await postgres?.[Symbol.asyncDispose]();
    });

    async function start(environment: Record<string, string> = {}): Promise<GatewayProcess> {
      const gateway = await startGateway({
        DATABASE_URL: databaseUrl,
        DB_POOL_SIZE: '2',
        USE_STATEFUL_SESSIONS: 'true',
        CACHE_TYPE: 'redis',
        REDIS_URL: redis.url,
        REDIS_RETRY_INTERVAL_MS: '50',
        REDIS_HEALTH_CHECK_INTERVAL: '0.5',
        ...environment,
      });
      await gateway.rest('POST', '/gateways', { name: 'everything', url: upstream.url });
      return gateway;
    }

    /** As on another machine: neither reaches the other's sockets. */
    async function elsewhere(): Promise<Record<string, string>> {
      const folder = await mkdtemp(join(tmpdir(), 'gatebench-'));
      folders.push(folder);
      return { TMPDIR: folder };
    }

    const keysOf = async (id: string) => (await redis.client.keys('mcpgw:session:*')).filter((key) => key.endsWith(id));

    test('the official client goes on in its session when its gateway was restarted', async () => {
      const PORT = String(await freePort());
      const first = await start({ PORT });
      const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { sampling: {} } });
      client.setRequestHandler(CreateMessageRequestSchema, () => ({
        model: 'none',
        role: 'assistant',
        content: { type: 'text', text: 'sampled' },
      }));
      const logged: unknown[] = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.data));
      const transport = new StreamableHTTPClientTransport(new URL(`${first.url}/mcp`), {
        requestInit: { headers: first.headers },
        reconnectionOptions: {
          maxRetries: 100,
          initialReconnectionDelay: 100,
          maxReconnectionDelay: 100,
          reconnectionDelayGrowFactor: 1,
        },
      });
      // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
      await client.connect(transport as Parameters<typeof client.connect>[0]);
      await client.setLoggingLevel('debug');
      await client.callTool({ name: 'test_simple_text' });
      const id = transport.sessionId;
      await first.stop();
      await using _second = await start({ PORT });
      const sampled = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'hello' } });
      expect(JSON.stringify(sampled.content)).toContain('sampled');
      expect(transport.sessionId).toBe(id);
      // The level that it had asked for, and the standing stream that it has opened again.
      await expect
        .poll(
          async () => {
            await client.callTool({ name: 'log_at_debug' });
            return logged;
          },
          { timeout: 10_000, interval: 100 },
        )
        .toContain('fine');
      await transport.terminateSession();
      await client.close();
      expect(await keysOf(id ?? '')).toEqual([]);
    });

    test('another gateway goes on with it, killed or not reachable; nobody but its user does', async () => {
      const mallory = `Bearer ${createToken({ secret, subject: 'mallory', expiresInMinutes: 60, isAdmin: true })}`;
      for (const isKilled of [true, false]) {
        const first = await start(await elsewhere());
        await using second = await start(await elsewhere());
        const own = { ...first.headers, 'mcp-session-id': await openSession(first.url, first.headers) };
        const [key = ''] = await keysOf(own['mcp-session-id']);
        expect(await redis.client.pttl(key)).toBeGreaterThan(3_590_000);
        expect(await redis.client.get(key)).not.toContain('admin');
        if (isKilled) await first.stop('SIGKILL');
        for (const method of ['POST', 'GET', 'DELETE'] as const) {
          const foreign = { ...own, authorization: mallory };
          const message = method === 'POST' ? { message: call } : {};
          expect((await askMcp(second.url, { method, headers: foreign, ...message })).status).toBe(404);
        }
        expect((await askMcp(second.url, { headers: own, message: call })).status).toBe(200);
        expect((await askMcp(second.url, { method: 'DELETE', headers: own })).status).toBe(204);
        expect((await askMcp(second.url, { headers: own, message: ping })).status).toBe(404);
        if (isKilled) continue;
        // It was told, and has let it go.
        expect((await askMcp(first.url, { headers: own, message: ping })).status).toBe(404);
        await first.stop();
      }
    });

    test('gateways on one machine bring requests to each other, with several workers each', async () => {
      await using first = await start({ WORKERS: '2' });
      await using second = await start({ WORKERS: '2' });
      const before = upstream.sessions().length;
      const own = { ...first.headers, 'mcp-session-id': await openSession(first.url, first.headers) };
      for (let at = 0; at < 8; at++) {
        const { url } = at % 2 === 0 ? first : second;
        expect((await askMcp(url, { headers: own, message: call })).status).toBe(200);
      }
      expect(upstream.sessions().length - before).toBe(1);
      await first.stop('SIGTERM');
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => askMcp(second.url, { headers: own, message: call })),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    });

    test('a call in a session asks nothing of Redis', async () => {
      await using gateway = await start();
      const own = { ...gateway.headers, 'mcp-session-id': await openSession(gateway.url, gateway.headers) };
      const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.client.info('stats'))?.[1]);
      await askMcp(gateway.url, { headers: own, message: call });
      const before = await commands();
      for (let at = 0; at < 50; at++) await askMcp(gateway.url, { headers: own, message: call });
      // What the gateway does beside, and we that ask.
      expect((await commands()) - before).toBeLessThan(20);
    });

    test('when a worker is killed another one goes on with its sessions', async () => {
      await using gateway = await start({ WORKERS: '2' });
      const { url, headers } = gateway;
      const ids = await Promise.all(Array.from({ length: 6 }, () => openSession(url, headers)));
      const children = readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8');
      process.kill(Number(children.split(' ')[0]), 'SIGKILL');
      await expect.poll(() => gateway.log()).toContain('a worker ended by itself');
      for (const _ of [1, 2]) {
        const asked = ids.map((id) => askMcp(url, { headers: { ...headers, 'mcp-session-id': id }, message: call }));
        expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(ids.map(() => 200));
      }
    });

    test('without Redis sessions go on in memory, and are written down when it is back', async () => {
      await using gateway = await start({ SESSION_TTL: '3' });
      const early = { ...gateway.headers, 'mcp-session-id': await openSession(gateway.url, gateway.headers) };
      await redis.stop();
      expect((await askMcp(gateway.url, { headers: early, message: call })).status).toBe(200);
      const late = { ...gateway.headers, 'mcp-session-id': await openSession(gateway.url, gateway.headers) };
      expect((await askMcp(gateway.url, { headers: late, message: call })).status).toBe(200);
      await redis.start();
      await expect
        .poll(
          async () => {
            await askMcp(gateway.url, { headers: late, message: ping });
            return (await keysOf(late['mcp-session-id'])).length;
          },
          { timeout: 20_000, interval: 200 },
        )
        .toBe(1);
    });

    test('SESSION_TTL is how long a record lives after its session was used', async () => {
      await using gateway = await start({ SESSION_TTL: '1' });
      const own = { ...gateway.headers, 'mcp-session-id': await openSession(gateway.url, gateway.headers) };
      for (let at = 0; at < 4; at++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        expect((await askMcp(gateway.url, { headers: own, message: ping })).status).toBe(200);
      }
      expect(await keysOf(own['mcp-session-id'])).toHaveLength(1);
      await gateway.stop('SIGKILL');
      await expect.poll(() => keysOf(own['mcp-session-id']), { timeout: 3_000 }).toEqual([]);
      await using next = await start({ SESSION_TTL: '1' });
      expect((await askMcp(next.url, { headers: own, message: ping })).status).toBe(404);
    });
  });
});

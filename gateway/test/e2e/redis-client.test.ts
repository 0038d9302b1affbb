// Each setting of Redis, on a real one.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createRedisClient, type RedisClient } from '../../src/cache/redis-client.ts';
import { configOf } from '../config-of.ts';
import { describeWithRedis, freePort, startRedis, startSentinel, type TestRedis } from '../redis.ts';

/** Messages of the log. */
async function connect(settings: Record<string, string>): Promise<RedisClient & { logged: string[] }> {
  const logged: string[] = [];
  const log = (_: object, message: string) => void logged.push(message);
  const client = await createRedisClient(configOf({ CACHE_TYPE: 'redis', ...settings }), { info: log, warn: log });
  return Object.assign(client, { logged });
}

async function elapsedMs(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run().catch(() => undefined);
  return performance.now() - startedAt;
}

/** A listener whose queue is full and that takes nothing: attempts to connect to it hang. */
async function startFullServer(): Promise<AsyncDisposable & { url: string; pending: () => number }> {
  const program =
    "require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  // The kernel takes one more than it is told.
  const waiting = Array.from({ length: 2 }, () => createConnection({ host: '127.0.0.1', port }));
  await Promise.all(waiting.map((socket) => once(socket, 'connect')));
  return {
    url: `redis://127.0.0.1:${port}`,
    /** Attempts of this process that wait for an answer (SYN_SENT). */
    pending() {
      const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 02`;
      return readFileSync('/proc/self/net/tcp', 'utf8').split(remote).length - 1;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of waiting) socket.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describeWithRedis('the connections to Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.[Symbol.asyncDispose]());

  const ours = async () =>
    String(await redis.client.client('LIST'))
      .split('\n')
      .filter((line) => line.includes('name=gatebench-gateway'));

  it('two connections serve until they are crowded, then more, up to REDIS_MAX_CONNECTIONS', async () => {
    for (const [max, lanes] of [
      ['2', 2],
      ['4', 4],
    ] as const) {
      await using client = await connect({ REDIS_URL: redis.url, REDIS_MAX_CONNECTIONS: max });
      expect(client.state()).toEqual({ isUp: true, connections: 2 });
      const flood = () => client.call((commands) => commands.eval('local x = 0 for i = 1, 50000 do x = x + i end', 0));
      await vi.waitFor(async () => {
        await Promise.all(Array.from({ length: 300 }, flood));
        expect(client.state().connections).toBe(lanes);
      });
      expect(await ours()).toHaveLength(lanes);
    }
    await vi.waitFor(async () => expect(await ours()).toHaveLength(0));
  });

  it('REDIS_HEALTH_CHECK_INTERVAL: closes connections that are not needed any more', async () => {
    await using client = await connect({ REDIS_URL: redis.url, REDIS_HEALTH_CHECK_INTERVAL: '0.5' });
    const flood = () => client.call((commands) => commands.eval('local x = 0 for i = 1, 50000 do x = x + i end', 0));
    await Promise.all(Array.from({ length: 300 }, flood));
    await vi.waitFor(() => expect(client.state().connections).toBe(3));
    await vi.waitFor(() => expect(client.state().connections).toBe(2), { timeout: 3000 });
  });

  it('CACHE_PREFIX: stands before channels', async () => {
    await using client = await connect({ REDIS_URL: redis.url, CACHE_PREFIX: 'other:' });
    const heard: string[] = [];
    client.subscribe('things', (text) => heard.push(text));
    await vi.waitFor(async () => {
      await redis.client.publish('other:things', 'hello');
      expect(heard).toContain('hello');
    });
  });

  it('is told by one line that Redis is gone and by one that it is back, and fails at once meanwhile', async () => {
    await using own = await startRedis();
    await using client = await connect({ REDIS_URL: own.url, REDIS_RETRY_INTERVAL_MS: '50', REDIS_MAX_RETRIES: '100' });
    let returns = 0;
    client.onUp(() => returns++);
    await own.stop();
    await vi.waitFor(() => expect(client.isUp()).toBe(false));
    for (let call = 0; call < 20; call++) {
      expect(await elapsedMs(() => client.call((commands) => commands.get('a'), { deadlineMs: 100 }))).toBeLessThan(50);
    }
    await own.start();
    await vi.waitFor(() => expect(client.isUp()).toBe(true), { timeout: 3000 });
    expect(await client.call((commands) => commands.get('a'), { deadlineMs: 100 })).toBeNull();
    expect(client.logged).toEqual(['going on without Redis', 'Redis is back']);
    expect(returns).toBeGreaterThan(0);
  });

  it('lets one request wait 100 ms when Redis hangs, and nobody after it, until Redis answers', async () => {
    await using own = await startRedis();
    await using client = await connect({ REDIS_URL: own.url, REDIS_RETRY_INTERVAL_MS: '50' });
    own.freeze();
    const get = () => client.call((commands) => commands.get('a'), { deadlineMs: 100 });
    const first = await elapsedMs(get);
    expect(first).toBeGreaterThan(90);
    expect(first).toBeLessThan(200);
    for (let call = 0; call < 20; call++) expect(await elapsedMs(get)).toBeLessThan(20);
    own.thaw();
    await vi.waitFor(() => expect(client.isUp()).toBe(true), { timeout: 3000 });
    expect(client.logged).toEqual(['going on without Redis', 'Redis is back']);
  });

  it('REDIS_SOCKET_TIMEOUT and REDIS_RETRY_ON_TIMEOUT: waits that long, and once more on a new connection', async () => {
    await using own = await startRedis();
    const settings = { REDIS_URL: own.url, REDIS_SOCKET_TIMEOUT: '0.2', REDIS_RETRY_INTERVAL_MS: '10' };
    await using once = await connect({ ...settings, REDIS_RETRY_ON_TIMEOUT: 'false' });
    await using twice = await connect(settings);
    own.freeze();
    const waited = await elapsedMs(() => once.call((commands) => commands.get('a')));
    expect(waited).toBeGreaterThan(190);
    expect(waited).toBeLessThan(400);
    const retried = twice.call((commands) => commands.get('a'));
    await setTimeout(300);
    own.thaw();
    expect(await retried).toBeNull();
  });

  it('REDIS_HEALTH_CHECK_INTERVAL: finds a connection that says nothing without being asked', async () => {
    await using own = await startRedis();
    await using client = await connect({
      REDIS_URL: own.url,
      REDIS_HEALTH_CHECK_INTERVAL: '0.1',
      REDIS_SOCKET_TIMEOUT: '0.2',
    });
    own.freeze();
    await vi.waitFor(() => expect(client.isUp()).toBe(false), { timeout: 1000 });
    own.thaw();
  });

  it('REDIS_MAX_RETRIES and REDIS_RETRY_INTERVAL_MS: so many attempts at that pace, then at the health check’s', async () => {
    const attempts: number[] = [];
    const port = await freePort();
    const server: Server = createServer((socket) => {
      attempts.push(performance.now());
      socket.destroy();
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const settings = {
      REDIS_URL: `redis://127.0.0.1:${port}`,
      REDIS_MAX_RETRIES: '4',
      REDIS_RETRY_INTERVAL_MS: '20',
      REDIS_HEALTH_CHECK_INTERVAL: '30',
    };
    await using client = await connect(settings);
    await setTimeout(600);
    // The first and four more, of the lane and of the connection that listens.
    expect(attempts).toHaveLength(10);
    expect(client.isUp()).toBe(false);
    server.close();
  });

  it('REDIS_SOCKET_CONNECT_TIMEOUT: gives up an attempt that is not accepted, after that time and not before', async () => {
    for (const [seconds, pending] of [
      ['0.3', 0],
      ['1.5', 2],
    ] as const) {
      await using full = await startFullServer();
      const settings = { REDIS_SOCKET_CONNECT_TIMEOUT: seconds, REDIS_MAX_RETRIES: '0' };
      await using client = await connect({ REDIS_URL: full.url, ...settings });
      await setTimeout(400); // beside the 500 ms that a start waits for Redis
      expect(full.pending()).toBe(pending);
      await vi.waitFor(() => expect(full.pending()).toBe(0), { timeout: 5000 });
      expect(client.isUp()).toBe(false);
    }
  });

  it('finds the master through Sentinel, logs in with the password and chooses the database', async () => {
    await using master = await startRedis();
    await master.client.call('ACL', 'SETUSER', 'gate', 'on', '>pass word', '~*', '&*', '+@all');
    await using sentinel = await startSentinel(master.port);
    const url = `redis+sentinel://gate:pass%20word@127.0.0.1:${sentinel.port}/main/3`;
    await using client = await connect({ REDIS_URL: url });
    await vi.waitFor(() => expect(client.isUp()).toBe(true), { timeout: 3000 });
    await client.call((commands) => commands.set('found', 'yes'));
    await master.client.select(3);
    expect(await master.client.get('found')).toBe('yes');
    expect(String(await master.client.client('LIST'))).toContain('user=gate');
  });

  it('speaks TLS to rediss:// and refuses a certificate that nobody it trusts has signed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatebench-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ...['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ]);
    expect(made.status, String(made.stderr)).toBe(0);
    const tlsPort = await freePort();
    await using _own = await startRedis([
      ...['--tls-port', String(tlsPort), '--tls-cert-file', key.replace('key', 'cert'), '--tls-key-file', key],
      ...['--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'],
    ]);
    const settings = { REDIS_URL: `rediss://localhost:${tlsPort}/0` };
    await using refused = await connect(settings);
    expect(refused.isUp()).toBe(false);
    // Trust is read when the process starts: NODE_EXTRA_CA_CERTS, as operators set it.
    const program = [
      "const { createRedisClient } = await import('./dist/src/cache/redis-client.js');",
      "const { loadConfig } = await import('./dist/src/config.js');",
      'const log = { info() {}, warn() {} };',
      'const client = await createRedisClient(loadConfig(process.env), log);',
      'console.log(await client.call((commands) => commands.ping()));',
      'await client[Symbol.asyncDispose]();',
    ].join('\n');
    const trusting = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: join(import.meta.dirname, '..', '..'),
      env: {
        PATH: process.env['PATH'] ?? '',
        ...settings,
        AUTH_REQUIRED: 'false',
        CACHE_TYPE: 'redis',
        NODE_EXTRA_CA_CERTS: cert,
      },
    });
    expect(String(trusting.stdout), String(trusting.stderr)).toBe('PONG\n');
    await rm(folder, { recursive: true, force: true });
  });
});

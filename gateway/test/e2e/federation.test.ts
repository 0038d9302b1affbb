// Real gateways that share a Redis: they find each other, call each other's tools without going round in circles, and one leads.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../redis.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { type SdkUpstream, startSdkUpstream } from './sdk-upstream.ts';

type Json = ReturnType<typeof JSON.parse>;

const heartbeat = { REDIS_LEADER_TTL: '1', REDIS_LEADER_HEARTBEAT_INTERVAL: '0.2' };

describeWithRedis('gateways that share a Redis', () => {
  describeWithPostgres('over PostgreSQL', () => {
    let postgres: TestPostgres;
    let redis: TestRedis;
    let upstream: SdkUpstream;
    beforeAll(async () => {
      [postgres, redis, upstream] = await Promise.all([startPostgres(), startRedis(), startSdkUpstream(true)]);
    });
    afterAll(async () => {
      await upstream?.[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
      await postgres?.[Symbol.asyncDispose]();
    });

    const start = async (database: string, settings: Record<string, string>) =>
      startGateway({ DATABASE_URL: database, CACHE_TYPE: 'redis', REDIS_URL: redis.url, ...heartbeat, ...settings });
    const peersOf = async (gateway: GatewayProcess): Promise<Json> =>
      (await gateway.rest('GET', '/federation/peers')).body;
    const namesOf = async (gateway: GatewayProcess) =>
      (await peersOf(gateway)).peers.map((peer: { name: string }) => peer.name);
    const mcp = async (gateway: GatewayProcess, method: string, params: object): Promise<Json> =>
      (await gateway.rest('POST', '/rpc', { jsonrpc: '2.0', id: 1, method, params })).body;
    const register = async (at: GatewayProcess, name: string, url: string, auth: object = {}): Promise<string> => {
      const { status, body } = await at.rest('POST', '/gateways', { name, url, ...auth });
      expect(status, JSON.stringify(body)).toBe(201);
      return (body as Json).id;
    };
    const toolsOf = async (gateway: GatewayProcess): Promise<string[]> =>
      (await mcp(gateway, 'tools/list', {})).result.tools.map((tool: { name: string }) => tool.name).sort();

    it('find each other with name, URL and version, and forget who is gone', async () => {
      await using one = await start(await postgres.createDatabase('one'), { GATEWAY_NAME: 'one' });
      const two = await start(await postgres.createDatabase('two'), { GATEWAY_NAME: 'two' });
      await using three = await start(await postgres.createDatabase('three'), { GATEWAY_NAME: 'three' });
      await vi.waitFor(async () => expect(await namesOf(one)).toEqual(['three', 'two']), { timeout: 5000 });
      const { self, peers } = await peersOf(one);
      expect(self).toMatchObject({ name: 'one', url: one.url });
      expect(peers[1]).toMatchObject({ name: 'two', url: two.url, version: self.version });
      expect(new Set([self.id, ...peers.map((peer: { id: string }) => peer.id)]).size).toBe(3);
      await two.stop('SIGKILL');
      await vi.waitFor(async () => expect(await namesOf(one)).toEqual(['three']), { timeout: 3000 });
      await three.stop();
      expect(await redis.client.keys('mcpgw:peer:*')).toHaveLength(1);
    });

    it('GATEWAY_ID and GATEWAY_URL are what the others know a gateway by, wherever it listens', async () => {
      const known = { GATEWAY_ID: 'site-a', GATEWAY_URL: 'https://a.example/mcp-gateway', GATEWAY_NAME: 'a' };
      await using one = await start(await postgres.createDatabase('known'), known);
      await using two = await start(await postgres.createDatabase('knows'), {});
      await vi.waitFor(async () => expect(await namesOf(two)).toEqual(['a']), { timeout: 5000 });
      const { peers } = await peersOf(two);
      expect(peers).toEqual([expect.objectContaining({ id: 'site-a', url: 'https://a.example/mcp-gateway' })]);
      expect((await peersOf(one)).self).toMatchObject({ id: 'site-a', url: 'https://a.example/mcp-gateway' });
      expect((await peersOf(two)).self).toMatchObject({ url: two.url });
    });

    it('call each other’s tools, and lists do not grow when both are registered at each other', async () => {
      await using one = await start(await postgres.createDatabase('call_one'), { GATEWAY_NAME: 'one' });
      await using two = await start(await postgres.createDatabase('call_two'), { GATEWAY_NAME: 'two' });
      await vi.waitFor(async () => expect([await namesOf(one), await namesOf(two)]).toEqual([['two'], ['one']]), {
        timeout: 5000,
      });
      const auth = { auth_type: 'bearer', auth_token: one.headers['authorization']?.slice('Bearer '.length) };
      await register(one, 'upstream', upstream.url);
      const own = await toolsOf(one);
      const atTwo = await register(two, 'one', `${one.url}/mcp`, auth);
      const there = own.map((name) => `one-${name}`);
      expect(await toolsOf(two)).toEqual(there);
      const atOne = await register(one, 'two', `${two.url}/mcp`, auth);
      for (let times = 0; times < 2; times++) {
        await two.rest('POST', `/gateways/${atTwo}/tools/refresh`);
        await one.rest('POST', `/gateways/${atOne}/tools/refresh`);
      }
      expect([await toolsOf(one), await toolsOf(two)]).toEqual([own, there]);
      const echo = there.find((name) => name.includes('echo')) ?? '';
      const answer = await mcp(two, 'tools/call', { name: echo, arguments: { text: 'hello' } });
      expect(JSON.stringify(answer)).toContain('hello');
      // The caches of the two lie in one Redis, each for its own database.
      const rest = async (gateway: GatewayProcess) => (await gateway.rest('GET', '/tools')).body as { name: string }[];
      expect((await rest(one)).map(({ name }) => name).sort()).toEqual(own);
      expect((await rest(two)).map(({ name }) => name).sort()).toEqual(there);
    });

    it('a resource that each has from the other ends in an error at once, not in a circle', async () => {
      await using one = await start(await postgres.createDatabase('loop_one'), { GATEWAY_NAME: 'one' });
      await using two = await start(await postgres.createDatabase('loop_two'), { GATEWAY_NAME: 'two' });
      const auth = { auth_type: 'bearer', auth_token: one.headers['authorization']?.slice('Bearer '.length) };
      const resource = { uri: 'loop://here', name: 'loop' };
      for (const [at, other] of [
        [one, two],
        [two, one],
      ] as const) {
        const gatewayId = await register(at, 'other', `${other.url}/mcp`, auth);
        expect((await at.rest('POST', '/resources', { ...resource, gatewayId })).status).toBe(201);
      }
      const startedAt = performance.now();
      const answer = await mcp(one, 'resources/read', { uri: resource.uri });
      expect(JSON.stringify(answer.error)).toMatch(/508|GW_LOOP|come through/);
      expect(performance.now() - startedAt).toBeLessThan(2000);
    });

    it('one of the processes of a database leads; a killed or frozen leader is replaced, and two never lead', async () => {
      const database = await postgres.createDatabase('led');
      const gateways = [await start(database, {}), await start(database, {}), await start(database, {})];
      const alive = new Set(gateways);
      let most = 0;
      let isWatching = true;
      const leaders = async () => {
        const states = await Promise.all(
          // One that is killed in the middle of its answer leads nothing.
          [...alive].map((gateway) =>
            peersOf(gateway).then(
              ({ self }) => ({ gateway, isLeader: self.isLeader as boolean }),
              () => ({ gateway, isLeader: false }),
            ),
          ),
        );
        return states.filter(({ isLeader }) => isLeader).map(({ gateway }) => gateway);
      };
      const watching = (async () => {
        while (isWatching) most = Math.max(most, (await leaders()).length);
      })();
      const one = async () => {
        const found = await leaders();
        expect(found).toHaveLength(1);
        return found[0] as GatewayProcess;
      };
      const first = await vi.waitFor(one, { timeout: 3000 });
      alive.delete(first);
      await first.stop('SIGKILL');
      const killedAt = performance.now();
      const second = await vi.waitFor(one, { timeout: 3000 });
      // The TTL and one heartbeat, and what the machine needs.
      expect(performance.now() - killedAt).toBeLessThan(2000);
      alive.delete(second);
      process.kill(second.pid, 'SIGSTOP');
      const third = await vi.waitFor(one, { timeout: 3000 });
      process.kill(second.pid, 'SIGCONT');
      alive.add(second);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await leaders()).toEqual([third]);
      // Who stops in order hands the lead over at once.
      alive.delete(third);
      await third.stop();
      const stoppedAt = performance.now();
      expect(await vi.waitFor(one, { timeout: 3000 })).toBe(second);
      expect(performance.now() - stoppedAt).toBeLessThan(900);
      isWatching = false;
      await watching;
      expect(most).toBe(1);
      await second.stop();
    });
  });
});

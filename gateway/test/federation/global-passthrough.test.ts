import { beforeEach, expect, it } from 'vitest';
import { GlobalPassthrough } from '../../src/federation/global-passthrough.ts';
import { passedHeaders } from '../../src/federation/passthrough.ts';
import { configOf } from '../config-of.ts';

let nowMs: number;
let reads: number;
let stored: string | undefined;
let isDown: boolean;

beforeEach(() => {
  nowMs = 0;
  reads = 0;
  stored = '["X-One"]';
  isDown = false;
});

async function start(settings: Record<string, string> = {}): Promise<GlobalPassthrough> {
  const passthrough = new GlobalPassthrough({
    config: configOf(settings),
    now: () => nowMs,
    stored: {
      async read() {
        reads++;
        if (isDown) throw new Error('down');
        return stored;
      },
      async write(_name, json) {
        stored = json;
      },
    },
  });
  await passthrough.load();
  return passthrough;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

it('GLOBAL_CONFIG_CACHE_TTL: the database is asked once in that time, in the background', async () => {
  const passthrough = await start({ GLOBAL_CONFIG_CACHE_TTL: '5' });
  stored = '["X-Two"]';
  nowMs = 4999;
  for (let asked = 0; asked < 100; asked++) expect(passthrough.names()).toEqual(['X-One']);
  expect(reads).toBe(1);
  nowMs = 5000;
  expect(passthrough.names()).toEqual(['X-One']); // nobody waits
  await settle();
  expect(passthrough.names()).toEqual(['X-Two']);
  expect(reads).toBe(2);
  expect(passthrough.stats()).toMatchObject({ hits: 101, misses: 1 });
});

it('a longer GLOBAL_CONFIG_CACHE_TTL asks less often', async () => {
  const passthrough = await start({ GLOBAL_CONFIG_CACHE_TTL: '500' });
  nowMs = 499_000;
  passthrough.names();
  await settle();
  expect(reads).toBe(1);
});

it('a change holds here at once, and is written', async () => {
  const passthrough = await start();
  await passthrough.change(['X-Three']);
  expect(passthrough.names()).toEqual(['X-Three']);
  expect(stored).toBe('["X-Three"]');
  await passthrough.change(undefined);
  expect(passthrough.names()).toBeUndefined();
  expect(stored).toBeUndefined();
});

it('a change of another process is read at once', async () => {
  const passthrough = await start();
  stored = undefined;
  passthrough.drop();
  await settle();
  expect(passthrough.names()).toBeUndefined();
});

it('what was being read while it was changed is not believed', async () => {
  const passthrough = await start();
  const reading = passthrough.load();
  await passthrough.change(['X-Four']);
  await reading;
  expect(passthrough.names()).toEqual(['X-Four']);
});

it('goes on with what it knows while the database is down, and asks it once a second', async () => {
  const passthrough = await start({ GLOBAL_CONFIG_CACHE_TTL: '5' });
  isDown = true;
  for (nowMs = 5000; nowMs < 8000; nowMs += 100) {
    expect(passthrough.names()).toEqual(['X-One']);
    await settle();
  }
  expect(reads).toBe(1 + 3);
});

it('holds for upstreams that name no headers of their own, before DEFAULT_PASSTHROUGH_HEADERS', () => {
  const config = configOf({ ENABLE_HEADER_PASSTHROUGH: 'true', DEFAULT_PASSTHROUGH_HEADERS: 'X-Default' });
  const sent = { 'x-default': 'd', 'x-one': '1', 'x-own': 'o', host: 'h' };
  const passed = (names: string[] | undefined, own?: string[]) =>
    passedHeaders(config, sent, { headers: {}, passthroughHeaders: own }, () => names);
  expect(passed(undefined)).toEqual(['x-default', 'd']);
  expect(passed(['X-One', 'Host'])).toEqual(['x-one', '1']);
  expect(passed([])).toEqual([]);
  expect(passed(['X-One'], ['X-Own'])).toEqual(['x-own', 'o']);
});

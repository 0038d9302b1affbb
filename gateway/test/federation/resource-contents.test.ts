import { expect, it } from 'vitest';
import { ResourceContents } from '../../src/federation/resource-contents.ts';
import type { Caller, Forwarded, McpSession } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';

function setUp(settings: Partial<ConstructorParameters<typeof ResourceContents>[0]> = {}) {
  const clock = { nowMs: 0 };
  const config = {
    RESOURCE_CACHE_SIZE: 2,
    RESOURCE_CACHE_TTL: 10,
    ENABLE_HEADER_PASSTHROUGH: false,
    ...settings,
  };
  const contents = new ResourceContents(config, () => clock.nowMs);
  const state = { reads: 0, isShown: true, hint: '"ttlMs":5000,', during: async () => undefined as unknown };
  const forward = contents.around(
    () => state.isShown,
    async ({ name }, { identity }) => {
      state.reads++;
      await state.during();
      return { ok: true, resultJson: `{${state.hint}"contents":[{"uri":"${name}","text":"${identity.sub}"}]}` };
    },
  );
  const read = async (uri: string, caller: Partial<Caller> = {}, method: Forwarded['method'] = 'resources/read') => {
    const params = { uri };
    const forwarded = { kind: 'resources', name: uri, method, nameMember: 'uri', params, paramsJson: '{}' } as const;
    const answer = await forward(forwarded, callerOf(caller));
    return answer?.ok === true ? answer.resultJson : undefined;
  };
  return { clock, config, contents, state, read };
}

it('keeps a content for as long as its upstream says, and not longer than RESOURCE_CACHE_TTL', async () => {
  const { clock, config, state, read } = setUp();
  await read('a:1');
  clock.nowMs = 4999;
  await read('a:1');
  expect(state.reads).toBe(1);
  clock.nowMs = 5000;
  await read('a:1');
  expect(state.reads).toBe(2);
  config.RESOURCE_CACHE_TTL = 1;
  clock.nowMs = 6000;
  await read('a:1');
  expect(state.reads).toBe(3);
});

it('keeps nothing of an upstream that does not say, of a session, of headers that are passed on, or of other methods', async () => {
  const silent = setUp();
  silent.state.hint = '';
  const passing = setUp({ ENABLE_HEADER_PASSTHROUGH: true });
  const off = setUp({ RESOURCE_CACHE_SIZE: 0 });
  for (const { read, state } of [silent, passing, off]) {
    await read('a:1');
    await read('a:1');
    expect(state.reads).toBe(2);
  }
  const { read, state } = setUp();
  for (let times = 0; times < 2; times++) await read('a:1', { session: {} as McpSession });
  for (let times = 0; times < 2; times++) await read('a:1', {}, 'resources/subscribe');
  expect(state.reads).toBe(4);
});

it('never gives one identity what another one read, nor one virtual server what another one has', async () => {
  const { read, state } = setUp({ RESOURCE_CACHE_SIZE: 10 });
  expect(await read('a:1', { identity: { sub: 'anna' } })).toContain('anna');
  expect(await read('a:1', { identity: { sub: 'ben' } })).toContain('ben');
  expect(await read('a:1', { identity: { sub: 'anna' } })).toContain('anna');
  await read('a:1', { identity: { sub: 'anna' }, serverId: 's' });
  expect(state.reads).toBe(3);
});

it('shows nothing that the registry hides meanwhile', async () => {
  const { read, state } = setUp();
  await read('a:1');
  state.isShown = false;
  await read('a:1');
  expect(state.reads).toBe(2);
});

it('drops one resource or all, also what is being read just then', async () => {
  const { contents, read, state } = setUp();
  await read('a:1');
  await read('a:2');
  contents.drop('a:1');
  await read('a:2');
  expect(state.reads).toBe(2);
  state.during = async () => contents.drop('a:1');
  await read('a:1');
  state.during = async () => undefined;
  await read('a:1');
  expect(state.reads).toBe(4);
  contents.drop();
  expect(contents.stats().size).toBe(0);
});

it('RESOURCE_CACHE_SIZE: the oldest goes when there are more', async () => {
  const { contents, read } = setUp();
  for (const uri of ['a:1', 'a:2', 'a:3']) await read(uri);
  expect(contents.stats()).toMatchObject({ size: 2, evictions: 1, misses: 3 });
});

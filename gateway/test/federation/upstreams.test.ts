import { expect, test } from 'vitest';
import { createRouter, type Routes } from '../../src/federation/router.ts';
import type { Upstream, UpstreamAnswer } from '../../src/federation/upstream.ts';
import { createUpstreams, type UpstreamAddress } from '../../src/federation/upstreams.ts';
import type { Forwarded } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';

const options = { config: configOf({ TOOL_TIMEOUT: '1', MCP_SESSION_POOL_CLEANUP_TIMEOUT: '0.5' }) };
const caller = callerOf({ serverId: 'server-1' });
const noRest = () => Promise.reject(new Error('no REST tool in this test'));
const address: UpstreamAddress = { id: 'a', url: 'http://127.0.0.1:1/mcp', transport: 'STREAMABLEHTTP', headers: {} };

test('one upstream serves a gateway, until its address changes', async () => {
  await using upstreams = createUpstreams(options);
  const first = upstreams.of(address, caller);
  expect(upstreams.of(address, caller)).toBe(first);
  expect(upstreams.of({ ...address, headers: {} }, caller)).toBe(first);
  const moved = upstreams.of({ ...address, url: 'http://127.0.0.1:2/mcp' }, caller);
  expect(moved).not.toBe(first);
  const authorized = upstreams.of(
    { ...address, url: 'http://127.0.0.1:2/mcp', headers: { authorization: 'x' } },
    caller,
  );
  expect(authorized).not.toBe(moved);
  expect(upstreams.of({ ...address, id: 'b' }, caller)).not.toBe(authorized);
});

test('what connect makes is nobody else’s', async () => {
  await using upstreams = createUpstreams(options);
  await using own = upstreams.connect(address);
  expect(upstreams.of(address, caller)).not.toBe(own);
});

const call: Forwarded = {
  kind: 'tools',
  name: 'fast-time-convert-time',
  method: 'tools/call',
  nameMember: 'name',
  params: { name: 'fast-time-convert-time' },
  paramsJson: '{"name":"fast-time-convert-time"}',
};

/** Routes that answer through promises, as they do when memory has nothing yet. */
function createRoutes(hasGateway: boolean): Routes {
  const entry = { id: '1', name: 'fast-time-convert-time', originalName: 'convert_time', gatewayId: 'a' };
  return {
    find: async (kind, name, serverId) =>
      kind === 'tools' && name === entry.name && serverId === 'server-1' ? entry : undefined,
    hasResource: async () => false,
    gateway: async () => (hasGateway ? address : undefined),
  };
}

function createRecorder() {
  const sent: (string | undefined)[] = [];
  const upstream: Upstream = {
    async request(_method, paramsJson): Promise<UpstreamAnswer> {
      sent.push(paramsJson);
      return { ok: true, resultJson: '{}' };
    },
    discover: () => Promise.reject(new Error('not asked for in this test')),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { sent, of: () => upstream };
}

test('a call goes to the upstream of its entry under the upstream’s own name', async () => {
  const recorder = createRecorder();
  const router = createRouter(createRoutes(true), recorder, noRest);
  expect(await router.forward(call, caller)).toEqual({ ok: true, resultJson: '{}' });
  expect(recorder.sent).toEqual(['{"name":"convert_time"}']);
  expect(await router.has('tools', call.name, 'server-1', caller)).toBe(true);
});

test('a name outside the virtual server is not routed', async () => {
  const recorder = createRecorder();
  const router = createRouter(createRoutes(true), recorder, noRest);
  expect(await router.forward(call, { ...caller, serverId: 'server-2' })).toBeUndefined();
  expect(await router.forward({ ...call, kind: 'resources' }, caller)).toBeUndefined();
  expect(recorder.sent).toEqual([]);
});

test('an entry whose gateway is gone is unreachable', async () => {
  const router = createRouter(createRoutes(false), createRecorder(), noRest);
  await expect(router.forward(call, caller)).rejects.toMatchObject({ code: 'GW_UPSTREAM_UNREACHABLE' });
});

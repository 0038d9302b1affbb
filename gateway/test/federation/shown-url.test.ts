// The key of an upstream often stands in the query of its URL; what failed is told to everybody who called.
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createUpstreams, type UpstreamAddress } from '../../src/federation/upstreams.ts';
import { shownUrl } from '../../src/shown-url.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { json, startRawUpstream } from './raw-upstream.ts';

const key = 'tavilyApiKey=SECRET';
const settings = { TOOL_TIMEOUT: '0.3', MCP_SESSION_POOL_CREATE_TIMEOUT: '0.3', MAX_RETRIES: '0' };
const call = ['tools/call', '{"name":"x"}'] as const;

/** The message of everything that goes to that address and fails, in each way that the gateway asks an upstream. */
async function failuresOf(
  address: Pick<UpstreamAddress, 'url' | 'transport'>,
  more: Record<string, string> = {},
): Promise<string[]> {
  const pooled = createUpstreams({ config: configOf({ ...settings, ...more }) });
  const fresh = createUpstreams({
    config: configOf({ ...settings, ...more, MCP_SESSION_POOL_ENABLED: 'false' }),
  });
  const whole = { id: 'a', headers: {}, ...address, url: `${address.url}?${key}` };
  const client = {
    id: 's',
    clientCapabilities: {},
    peer: undefined,
    logLevel: undefined,
    onEnd: () => () => undefined,
    signal: new AbortController().signal,
  };
  const caller = callerOf();
  const connected = pooled.connect(whole);
  const attempts = [
    () => pooled.of(whole, caller).request(...call),
    () => pooled.of(whole, { ...caller, session: client as never }).request(...call),
    () => fresh.of(whole, caller).request(...call),
    () => connected.discover(AbortSignal.timeout(1000)),
    () => pooled.check(whole),
  ];
  const told: string[] = [];
  for (const attempt of attempts) {
    await attempt().then(
      () => told.push('no failure'),
      (error: unknown) => told.push(String(error)),
    );
  }
  // The circuit has opened by now.
  for (let at = 0; at < 5; at++)
    await pooled
      .of(whole, caller)
      .request(...call)
      .catch((error) => told.push(String(error)));
  expect(JSON.stringify(pooled.poolMetrics())).not.toContain('SECRET');
  await connected[Symbol.asyncDispose]();
  await pooled[Symbol.asyncDispose]();
  await fresh[Symbol.asyncDispose]();
  return told;
}

function expectShown(told: string[], url: string): void {
  expect(told.length).toBeGreaterThan(5);
  for (const one of told) {
    expect(one).toContain(url);
    expect(one).not.toContain('SECRET');
  }
}

test('a failed connection tells the URL of the upstream without its query', async () => {
  for (const transport of ['STREAMABLEHTTP', 'SSE'] as const) {
    const url = 'http://127.0.0.1:1/mcp';
    const told = await failuresOf({ url, transport }, { MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD: '3' });
    expectShown(told, url);
    expect(told.at(-1)).toContain('GW_UPSTREAM_CIRCUIT_OPEN');
  }
});

test('so do silence and answers that are not valid', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const silent = `http://127.0.0.1:${port}/mcp`;
  const noCircuit = { MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD: '100' };
  for (const transport of ['STREAMABLEHTTP', 'SSE'] as const) {
    expectShown(await failuresOf({ url: silent, transport }, noCircuit), silent);
  }
  server.close();
  await using raw = await startRawUpstream((_message, response) => json(response, 'nonsense', 500), {
    refuse: (response) => {
      json(response, 'nonsense');
      return true;
    },
  });
  expectShown(await failuresOf({ url: raw.url, transport: 'STREAMABLEHTTP' }, noCircuit), raw.url);
  expectShown(await failuresOf({ url: raw.url, transport: 'SSE' }, noCircuit), raw.url);
});

test('a shown URL is one without what may hold a key, a template of a tool too', () => {
  expect(shownUrl('https://user:pass@host:1/a/b?key=1#c')).toBe('https://host:1/a/b');
  expect(shownUrl('https://host/{city}?key=1&at={day}')).toBe('https://host/{city}');
  expect(shownUrl('https://host/a@b')).toBe('https://host/a@b');
});

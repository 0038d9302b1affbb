import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { GatewayRuntimeArtifact, gatewayRuntime, toDifference, toReading } from '../../src/collect/gateway-runtime.ts';
import { diffSamples, prometheus } from '../../src/collect/prometheus.ts';
import { beginMoment, labelOf, parseMetrics, scrape, sumOf } from '../../src/collect/scrape.ts';
import { diffUsage, readUsage } from '../../src/collect/usage.ts';
import type { SubjectName } from '../../src/plan/plan.ts';
import { contextOf, trialOf } from './context.ts';

const TEXT = `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.5
process_start_time_seconds 1000
nodejs_gc_duration_seconds_sum{kind="major"} 0.02
nodejs_gc_duration_seconds_sum{kind="minor"} 0.03
nodejs_gc_duration_seconds_count{kind="major"} 2
nodejs_gc_duration_seconds_count{kind="minor"} 30
nodejs_gc_duration_seconds_bucket{le="+Inf",kind="minor"} 30
nodejs_heap_size_used_bytes 20000000
nodejs_eventloop_lag_min_seconds 0.0101
nodejs_eventloop_lag_p50_seconds 0.0111
nodejs_eventloop_lag_p99_seconds 0.0301
nodejs_eventloop_lag_max_seconds 0.0601
escaped{path="/a \\"b\\" }",x="1"} 4 1395066363000
`;

/** A real server that answers /metrics as told, and counts how often it was asked. */
async function serve(answer: () => { status: number; text: string }) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    const { status, text } = answer();
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('the Prometheus text format', () => {
  it('is read with labels, escapes and time stamps', () => {
    const samples = parseMetrics(TEXT);
    expect(samples.at(-1)).toEqual({ name: 'escaped', labels: 'path="/a \\"b\\" }",x="1"', value: 4 });
    expect(sumOf(samples, 'nodejs_gc_duration_seconds_count')).toBe(32);
    expect(sumOf(samples, 'nodejs_gc_duration_seconds_count', 'kind="major"')).toBe(2);
    expect(sumOf(samples, 'nothing')).toBeUndefined();
    expect(parseMetrics('a +Inf\nb NaN\n<html>\n').map(({ value }) => value)).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
  });

  it('has labels by their names, also behind others and with escapes', () => {
    const labels = 'xurl="no",url="http://a/\\"b\\"\\\\c,layer=\\"x\\"",layer="auth"';
    expect(labelOf(labels, 'url')).toBe('http://a/"b"\\c,layer="x"');
    expect(labelOf(labels, 'layer')).toBe('auth');
    expect(labelOf(labels, 'cache')).toBeUndefined();
  });

  it('is asked for once by all that read the same moment', async () => {
    await using server = await serve(() => ({ status: 200, text: TEXT }));
    const gateway = { url: server.url, token: 'x' };
    const [one, two] = await Promise.all([scrape(gateway), scrape(gateway)]);
    expect(one).toBe(two);
    expect(server.asked()).toBe(1);
    // The end of a load is another moment, however soon it comes after a tick.
    beginMoment();
    expect(await scrape(gateway)).not.toBe(one);
    expect(server.asked()).toBe(2);
  });

  it('is refused when the answer is an error, or no metrics', async () => {
    await using closed = await serve(() => ({ status: 401, text: '{}' }));
    await expect(scrape({ url: closed.url, token: 'x' })).rejects.toThrow('GET /metrics answered 401, expected 200');
    await using nonsense = await serve(() => ({ status: 200, text: '<html></html>' }));
    await expect(scrape({ url: nonsense.url, token: 'x' })).rejects.toThrow('without a single metric');
  });
});

describe('the runtime of the gateway', () => {
  it('is late by what lies above the least of its timer', () => {
    const [p50, p99, longest] = toReading(parseMetrics(TEXT), 0).delayMs ?? [];
    expect([p50, p99, longest]).toEqual([expect.closeTo(1), expect.closeTo(20), expect.closeTo(50)]);
  });

  it('has no delay when no timer fired in the window', () => {
    const empty = TEXT.replace(/(lag_min_seconds) .*/, '$1 9223372036.854776').replace(
      /(lag_p\d+_seconds) .*/g,
      '$1 NaN',
    );
    expect(toReading(parseMetrics(empty), 0).delayMs).toBeUndefined();
  });

  it('is a difference over the trial, from zero after a restart', () => {
    const before = toReading(parseMetrics(TEXT), 0);
    const later = { ...before, atMs: 2000, cpuSeconds: 2, gcSeconds: 0.09, gcCount: 40, heapUsedBytes: 26e6 };
    expect(toDifference(before, later)).toMatchObject({
      ...{ seconds: 2, cpuSeconds: 0.5, heapGrownBytes: 6e6, restarted: false },
      gc: { seconds: expect.closeTo(0.04), count: 8, majorCount: 0 },
    });
    expect(toDifference(before, { ...later, startedSeconds: 1001 })).toMatchObject({
      ...{ cpuSeconds: 2, heapGrownBytes: null, restarted: true },
      gc: { count: 40 },
    });
  });
});

describe('the runtime collector', () => {
  it('gives each of two trials that overlap the CPU, heap and peaks of its own gateway', async () => {
    const seconds = { current: 1, reference: 40 };
    const answer = (subject: SubjectName) => () => ({
      status: 200,
      text: TEXT.replace('total 1.5', `total ${seconds[subject]}`).replace(
        'used_bytes 20000000',
        `used_bytes ${seconds[subject]}000000`,
      ),
    });
    await using current = await serve(answer('current'));
    await using reference = await serve(answer('reference'));
    // Readings within 100 ms share one answer.
    const later = () => new Promise((resolve) => setTimeout(resolve, 120));
    await using session = await gatewayRuntime.start(
      contextOf({ gateways: { current: { url: current.url }, reference: { url: reference.url } } }),
    );
    await later();
    const endCurrent = await session.watchTrial?.(trialOf('current'));
    seconds.reference += 5;
    const endReference = await session.watchTrial?.(trialOf('reference'));
    seconds.current += 2;
    seconds.reference += 3;
    await later();
    await session.sample?.(0);
    await later();
    seconds.current += 1;
    const { cpuSeconds, peaks } = Value.Parse(GatewayRuntimeArtifact, await endCurrent?.());
    seconds.reference += 4;
    await later();
    const other = Value.Parse(GatewayRuntimeArtifact, await endReference?.());
    expect(cpuSeconds).toBeCloseTo(3);
    expect(peaks['heap_used_bytes']).toMatchObject({ min: 3e6, max: 4e6, samples: 2 });
    expect(other.cpuSeconds).toBeCloseTo(7);
    expect(other.peaks['heap_used_bytes']).toMatchObject({ min: 48e6, max: 52e6, samples: 2 });
  });
});

describe('metrics before and after', () => {
  it('differ by what has changed; buckets and what is no number are left out', () => {
    const before = parseMetrics('a 1\nb{x="1"} 2\nh_bucket{le="1"} 1\nprocess_start_time_seconds 5\n');
    const after = parseMetrics('a 1\nb{x="1"} 5\nc NaN\nd 1\nh_bucket{le="1"} 2\nprocess_start_time_seconds 5\n');
    expect(diffSamples(before, after)).toEqual({
      changed: [
        { name: 'b', labels: 'x="1"', before: 2, after: 5 },
        { name: 'd', labels: '', before: null, after: 1 },
      ],
      restarted: false,
      standing: [],
      absent: ['gateway_layer_duration_seconds_count', 'cache_hits_total', 'mcp_pool_sessions_created_total'],
    });
  });

  it('tell of states that stayed as they were, and miss nothing that is there', () => {
    const text = [
      'mcp_pool_circuit_breaker_state{url="http://a"} 2',
      'mcp_pool_circuit_breaker_state{url="http://b"} 0',
      'cache_entries{cache="jwt"} 3',
      'cache_hits_total{cache="jwt"} 0',
      'mcp_pool_sessions_created_total 0',
      'gateway_layer_duration_seconds_count{layer="total"} 4',
    ].join('\n');
    const samples = parseMetrics(text);
    expect(diffSamples(samples, samples)).toEqual({
      changed: [],
      restarted: false,
      standing: [
        { name: 'mcp_pool_circuit_breaker_state', labels: 'url="http://a"', value: 2 },
        { name: 'cache_entries', labels: 'cache="jwt"', value: 3 },
      ],
      absent: [],
    });
  });

  it('are kept as files, the last answer also when the gateway is gone by then', async () => {
    const runFolder = await mkdtemp(join(tmpdir(), 'gatebench-metrics-'));
    let text = 'a 1\n';
    const server = await serve(() => ({ status: 200, text }));
    const context = contextOf({ gateways: { current: { url: server.url } }, runFolder });
    const session = await prometheus.start(context);
    const end = await session.watchTrial?.(trialOf('current'));
    text = 'a 7\n';
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(await end?.()).toMatchObject({ changed: [{ before: 1, after: 7 }] });
    await server[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 120));
    await session[Symbol.asyncDispose]();
    expect(await readFile(join(runFolder, 'prometheus_before.txt'), 'utf8')).toBe('a 1\n');
    expect(await readFile(join(runFolder, 'prometheus_after.txt'), 'utf8')).toBe('a 7\n');
    await rm(runFolder, { recursive: true });
  });
});

describe('the usage of a target that is not ours', () => {
  it('comes from its metrics, and is null when they are closed or it was restarted', async () => {
    let text = TEXT;
    let status = 200;
    await using server = await serve(() => ({ status, text }));
    const read = () => readUsage([], { url: server.url, token: 'x' });
    const before = await read();
    text = TEXT.replace('total 1.5', 'total 2.25');
    expect(diffUsage(before, await read())).toEqual({
      ...{ cpuSeconds: 0.75, cpuSource: 'metrics', rssBytes: 0, stealPercent: null },
    });
    text = TEXT.replace('start_time_seconds 1000', 'start_time_seconds 1010');
    expect(diffUsage(before, await read())).toBeNull();
    status = 403;
    expect(diffUsage(before, await read())).toBeNull();
  });
});

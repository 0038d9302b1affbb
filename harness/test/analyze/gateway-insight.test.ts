import { describe, expect, it } from 'vitest';
import { toCacheUses, toLayerTimes, toSessionUse } from '../../src/analyze/gateway-insight.ts';
import type { PrometheusArtifact } from '../../src/collect/prometheus.ts';

type Sample = PrometheusArtifact['changed'][number];

const layer = (name: string, seconds: number, count: number): Sample[] => [
  { name: 'gateway_layer_duration_seconds_sum', labels: `layer="${name}"`, before: 10, after: 10 + seconds },
  { name: 'gateway_layer_duration_seconds_count', labels: `layer="${name}"`, before: 5, after: 5 + count },
];
const artifact = (changed: Sample[], more: Partial<PrometheusArtifact> = {}): PrometheusArtifact => ({
  changed,
  restarted: false,
  standing: [],
  absent: [],
  ...more,
});

describe('the time by layer', () => {
  it('is a mean over all requests, also of a layer that only some of them touched', () => {
    const times = toLayerTimes([
      artifact([...layer('auth', 0.1, 100), ...layer('query', 0.2, 4), ...layer('total', 1, 100)]),
    ]);
    expect(times).toMatchObject({ requests: 100, totalMs: expect.closeTo(10), unaccountedMs: expect.closeTo(7) });
    expect(times?.ms).toMatchObject({ auth: expect.closeTo(1), query: expect.closeTo(2), upstream: 0 });
  });

  it('of two rounds is that of all their requests, not the mean of two means', () => {
    const round = (seconds: number, count: number) => artifact(layer('total', seconds, count));
    expect(toLayerTimes([round(1, 100), round(1, 900)])?.totalMs).toBeCloseTo(2);
  });

  it('counts from zero after a restart', () => {
    const changed = [...layer('total', 1, 100)];
    expect(toLayerTimes([artifact(changed, { restarted: true })])).toMatchObject({ requests: 105 });
  });

  it('is not there when the target does not tell it', () => {
    expect(toLayerTimes([])).toBeUndefined();
    expect(toLayerTimes([artifact([], { absent: ['gateway_layer_duration_seconds_count'] })])).toBeUndefined();
  });
});

describe('the use of caches', () => {
  it('is that of each cache that was asked, with its size at the end', () => {
    const grown = (name: string, cache: string, by: number) => ({
      ...{ name, labels: `cache="${cache}"`, before: 3, after: 3 + by },
    });
    const uses = toCacheUses([
      artifact([grown('cache_hits_total', 'a', 8), grown('cache_misses_total', 'b', 5)]),
      artifact([grown('cache_hits_total', 'a', 2), grown('cache_misses_total', 'a', 1)], {
        standing: [{ name: 'cache_entries', labels: 'cache="a"', value: 6 }],
      }),
    ]);
    expect(uses).toEqual([
      { cache: 'a', hits: 10, misses: 1, entries: 6 },
      { cache: 'b', hits: 0, misses: 5, entries: 0 },
    ]);
    expect(toCacheUses([artifact([grown('cache_hits_total', 'a', 8)])])).toMatchObject([{ entries: null }]);
  });
});

describe('the use of upstream sessions', () => {
  it('names circuits that are not closed, whether they changed or stayed so', () => {
    const state = (url: string) => ({ name: 'mcp_pool_circuit_breaker_state', labels: `url="${url}"` });
    const use = toSessionUse([
      artifact(
        [
          { name: 'mcp_pool_sessions_created_total', labels: '', before: 0, after: 2 },
          { name: 'mcp_pool_sessions_reused_total', labels: '', before: 4, after: 40 },
          { ...state('http://half'), before: 2, after: 1 },
          { ...state('http://well'), before: 2, after: 0 },
        ],
        { standing: [{ ...state('http://down'), value: 2 }] },
      ),
    ]);
    expect(use).toMatchObject({ created: 2, reused: 36, trips: 0 });
    expect(use?.circuits).toEqual([
      { url: 'http://half', state: 'half open' },
      { url: 'http://down', state: 'open' },
    ]);
  });

  it('is not there without a pool; an older result, which names no absent metrics, is read by what changed', () => {
    expect(toSessionUse([artifact([], { absent: ['mcp_pool_sessions_created_total'] })])).toBeUndefined();
    expect(toSessionUse([{ changed: [], restarted: false }])).toBeUndefined();
    const changed = [{ name: 'mcp_pool_sessions_created_total', labels: '', before: 0, after: 1 }];
    expect(toSessionUse([{ changed, restarted: false }])).toMatchObject({ created: 1 });
  });
});

import { expect, test } from 'vitest';
import { verdict } from '../../bench/tuning-page.ts';
import { tuningRows } from '../../bench/tuning-rows.ts';
import { Config, refused } from '../../src/config.ts';

/** The tables of seeds/003 §10: what a feature costs. */
const withStatedCost = [
  ['MCPGATEWAY_UI_ENABLED', 'MCPGATEWAY_ADMIN_API_ENABLED', 'MCPGATEWAY_A2A_ENABLED', 'MCPGATEWAY_A2A_METRICS_ENABLED'],
  ['LLMCHAT_ENABLED', 'MCPGATEWAY_CATALOG_ENABLED', 'PLUGINS_ENABLED', 'DB_METRICS_RECORDING_ENABLED'],
  ['TOKEN_USAGE_LOGGING_ENABLED', 'STRUCTURED_LOGGING_DATABASE_ENABLED', 'AUDIT_TRAIL_ENABLED'],
  ['SECURITY_LOGGING_ENABLED', 'OBSERVABILITY_ENABLED', 'ENABLE_METRICS'],
  ['MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED', 'CORRELATION_ID_ENABLED', 'PERFORMANCE_TRACKING_ENABLED'],
  ['METRICS_AGGREGATION_ENABLED', 'METRICS_ROLLUP_ENABLED', 'METRICS_CLEANUP_ENABLED'],
  ['MCPGATEWAY_ELICITATION_ENABLED', 'MCPGATEWAY_TOOL_CANCELLATION_ENABLED', 'SSE_KEEPALIVE_ENABLED', 'DCR_ENABLED'],
  ['OAUTH_DISCOVERY_ENABLED', 'SECURITY_HEADERS_ENABLED', 'CORS_ENABLED', 'SSRF_PROTECTION_ENABLED'],
  ['PASSWORD_POLICY_ENABLED', 'WELL_KNOWN_ENABLED', 'AUTH_CACHE_ENABLED', 'REGISTRY_CACHE_ENABLED'],
  ['TOOL_LOOKUP_CACHE_ENABLED'],
].flat();

const inSchema: ReadonlySet<string> = new Set(Object.keys(Config.properties));

test('every setting of the tuning table is in the configuration schema, and differs between off and on', () => {
  for (const { name, settings, base = {}, off, on } of tuningRows) {
    for (const setting of [...settings, ...Object.keys({ ...base, ...off, ...on })]) {
      expect(inSchema.has(setting), `${setting} of the row ${name}`).toBe(true);
    }
    for (const setting of settings) expect(off[setting], `${setting} of the row ${name}`).not.toBe(on[setting]);
    expect(Object.keys({ ...off, ...on }).sort()).toEqual([...settings].sort());
  }
});

test('every setting whose cost the source states has a row, unless it is refused as not built', () => {
  const inTable = new Set<string>(tuningRows.flatMap(({ settings }) => settings));
  for (const setting of withStatedCost) {
    expect(inTable.has(setting) || setting in refused, `${setting} has neither a row nor a refusal`).toBe(true);
  }
});

test('no two rows have one name', () => {
  const names = tuningRows.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

const block = (cpuUsPerRequest: number) => ({ cpuUsPerRequest, p50Ms: 1, requestsPerSecond: 1, bytes: 1 });
const pairs = (...ratios: number[]) => ratios.map((ratio) => ({ off: block(100), on: block(100 * ratio) }));

test('a claim holds by the median of the pairs, and is told how many agree', () => {
  const row = { claimed: { of: 'cpu', from: 0, to: 1.05 } as const, reason: 'it is dear' };
  expect(verdict(row, pairs(1, 1.01, 1.02))).toBe('yes');
  expect(verdict(row, pairs(1, 1.01, 1.2))).toBe('yes (in 2 of 3 pairs)');
  expect(verdict(row, pairs(1.1, 1.2, 1.3))).toBe('no: it is dear');
  expect(verdict(row, pairs(1, 1.2, 1.3))).toBe('no (in 2 of 3 pairs): it is dear');
});

// The sections on what the gateway tells of itself, and what stands there when it tells nothing.
import { describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import type { PrometheusArtifact } from '../../src/collect/prometheus.ts';
import { createContext } from '../../src/report/context.ts';
import { reporters } from '../../src/report/index.ts';
import type { Section } from '../../src/report/section.ts';
import { cachesSection } from '../../src/report/sections/caches.ts';
import { layersSection } from '../../src/report/sections/layers.ts';
import { sessionsSection } from '../../src/report/sections/sessions.ts';
import type { RunResult } from '../../src/result/result.ts';
import { createSampleResult } from './sample.ts';

const sections = [layersSection, cachesSection, sessionsSection];
const contextOf = (result: RunResult) => createContext(analyze(result));

function textsOf({ blocks }: Section): string[] {
  return blocks.flatMap((block) => (block.kind === 'text' ? [block.text] : []));
}

function rowsOf({ blocks }: Section, caption: string): string[][] {
  const table = blocks.find((block) => block.kind === 'table' && block.caption === caption);
  return table?.kind === 'table' ? table.rows.map((row) => row.map(({ text }) => text)) : [];
}

/** The sample, with every /metrics artifact changed. */
function withTold(change: (artifact: PrometheusArtifact) => PrometheusArtifact): RunResult {
  const result = createSampleResult();
  for (const { artifacts } of result.trials) {
    const told = artifacts['prometheus'];
    if (told?.available) told.data = change(told.data as PrometheusArtifact);
  }
  return result;
}

describe('a gateway that tells of itself', () => {
  const context = contextOf(createSampleResult({ rounds: 2 }));

  test('has its mean time by layer per scenario and loop, with what no layer accounts for', () => {
    const rows = rowsOf(layersSection(context), 'Mean time of a request by layer');
    expect(rows).toContainEqual([
      'tools call simple',
      'open',
      '1.630',
      '0.060',
      '0.310',
      '–',
      '–',
      '1.100',
      '0.120',
      '0.040',
      '4,000',
    ]);
    expect(rows.some(([title]) => title?.startsWith('direct'))).toBe(false);
  });

  test('has the same means drawn in stacked bars that add up to the total', () => {
    const [chart] = layersSection(context).blocks;
    if (chart?.kind !== 'chart' || chart.spec.type !== 'bars') throw new Error('there is no chart of bars');
    expect(chart.spec.stacked).toBe(true);
    const at = chart.spec.labels.indexOf('servers create');
    const sum = chart.spec.series.reduce((total, { values }) => total + (values[at] ?? 0), 0);
    expect(sum).toBeCloseTo(4.15, 1);
  });

  test('has the hit rate of each cache, over all trials and by scenario', () => {
    const section = cachesSection(context);
    expect(rowsOf(section, 'Caches over all trials').find(([cache]) => cache === 'tool_lookup')).toEqual([
      'tool_lookup',
      '8,000',
      '4,800',
      '3,200',
      '60.0',
      '52',
    ]);
    expect(rowsOf(section, 'Caches by scenario')).toContainEqual([
      'tools call simple',
      'tool_lookup',
      '8,000',
      '4,800',
      '3,200',
      '60.0',
      '52',
    ]);
  });

  test('has the sessions opened and used again, and the circuits that are not closed', () => {
    const [row] = rowsOf(sessionsSection(context), 'Sessions with upstreams by scenario');
    expect(row?.slice(0, 6)).toEqual(['tools call simple', 'open', '4', '3,996', '99.9', '6']);
    expect(row?.at(-1)).toMatch(/^http:\/\/127\.0\.0\.1:9.* open$/s);
  });

  test('has them in the CSV and the Markdown too', () => {
    const analysis = analyze(createSampleResult());
    const [header = '', ...lines] = String(reporters.csv.render(analysis)).split('\n');
    const line = lines.find((each) => each.includes(',tools_call_simple.open,'));
    expect(header).toMatch(/Gateway auth mean \(ms\).*Cache hits.*Upstream sessions used again$/);
    expect(line).toMatch(/,3200,800,2,1998$/);
    expect(reporters.markdown.render(analysis)).toContain('## Where the time goes inside the gateway (means)');
  });
});

describe('a target that does not tell', () => {
  test.each([
    ['gateway_layer_duration_seconds_count', layersSection, 'LAYER_TIMINGS_ENABLED is off'],
    ['cache_hits_total', cachesSection, 'another gateway, or an older build'],
    ['mcp_pool_sessions_created_total', sessionsSection, 'another gateway, or an older build'],
  ] as const)('%s: the section says that it is not available, and why', (name, section, why) => {
    const result = withTold(() => ({ changed: [], restarted: false, standing: [], absent: [name] }));
    const built = section(contextOf(result));
    expect(built.blocks).toHaveLength(1);
    expect(textsOf(built)[0]).toMatch(`Not available, because /metrics has no ${name}`);
    expect(textsOf(built)[0]).toContain(why);
  });

  test('its closed /metrics are the reason in every section', () => {
    const result = createSampleResult({ artifacts: () => ({}) });
    const about = {
      id: 'prometheus',
      title: '',
      available: false,
      reason: '/metrics answered 404',
      cpuMs: 0,
      samples: 0,
    };
    result.collectors.push(about);
    for (const section of sections)
      expect(textsOf(section(contextOf(result)))).toEqual(['Not available, because /metrics answered 404.']);
  });

  test('nobody watched: that is the reason', () => {
    const result = createSampleResult({ artifacts: () => ({}) });
    for (const section of sections) expect(textsOf(section(contextOf(result)))[0]).toMatch('nobody read the /metrics');
  });
});

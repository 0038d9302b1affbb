import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import { checkSloNames } from '../../src/metrics.ts';
import { PerfConfig } from '../../src/plan/config.ts';
import { chooseScenarios, readConfig, readLoadProfile, readScenarios, readYaml } from '../../src/plan/read.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatebench-read-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function errorOf(action: () => unknown): HarnessError {
  try {
    action();
  } catch (error) {
    if (error instanceof HarnessError) return error;
    throw error;
  }
  throw new Error('expected a HarnessError, but nothing was thrown');
}

describe('the scenarios of the repository', () => {
  it('are all right, name metrics that exist and partners that exist', () => {
    const scenarios = readScenarios();
    expect(scenarios.length).toBeGreaterThanOrEqual(17);
    checkSloNames(scenarios);
  });

  it('hold the source’s SLOs', () => {
    const slos = Object.fromEntries(readScenarios().map(({ id, slos }) => [id, slos]));
    expect(slos.health).toEqual({ 'latency.p95': 5, 'latency.p99': 10, throughput: 1000, 'errors.rate': 0 });
    expect(slos.tools_list).toMatchObject({
      'latency.p95': 30,
      'latency.p99': 50,
      throughput: 500,
      'errors.rate': 0.001,
    });
    expect(slos.tools_call_simple).toMatchObject({
      'latency.p95': 50,
      'latency.p99': 100,
      throughput: 300,
      'errors.rate': 0.001,
      'overhead.p95': 15,
    });
    expect(slos.tools_call_complex).toMatchObject({
      'latency.p95': 100,
      'latency.p99': 200,
      throughput: 200,
      'errors.rate': 0.005,
    });
    expect(slos.resources_read).toMatchObject({
      'latency.p95': 40,
      'latency.p99': 80,
      throughput: 400,
      'errors.rate': 0.001,
    });
    expect(slos.prompts_get).toMatchObject({
      'latency.p95': 60,
      'latency.p99': 120,
      throughput: 300,
      'errors.rate': 0.001,
    });
    expect(slos.servers_create).toMatchObject({
      'latency.p95': 200,
      'latency.p99': 500,
      throughput: 50,
      'errors.rate': 0.01,
    });
    expect(slos.tools_call_end_to_end).toMatchObject({ 'latency.p95': 30 });
    expect(slos.health_authenticated).toMatchObject({ 'latency.p95': 10 });
    expect(slos.direct_tools_list).toEqual({ 'latency.p95': 10, 'errors.rate': 0 });
    expect(slos.direct_tools_call_simple).toEqual({ 'latency.p95': 20, 'errors.rate': 0 });
    expect(slos.direct_tools_call_complex).toEqual({ 'latency.p95': 50, 'errors.rate': 0 });
  });
});

describe('reading', () => {
  it('tells every fault of every scenario at once, with file, path, value and expectation', () => {
    mkdirSync(join(folder, 'scenarios'));
    writeFileSync(
      join(folder, 'scenarios/one.yaml'),
      'title: 3\ndescription: x\ncategory: tools\nrequests: []\nload: { ratePerSecond: -5 }\n',
    );
    writeFileSync(join(folder, 'scenarios/two.yaml'), 'title: [unclosed\n');
    const { code, message, exitCode } = errorOf(() => readScenarios(join(folder, 'scenarios')));
    expect(code).toBe('SCENARIO_INVALID');
    expect(exitCode).toBe(2);
    expect(message).toMatch(/one\.yaml \/load\/ratePerSecond must be > 0, got -5/);
    expect(message).toMatch(/one\.yaml \/title .*string.*got 3/);
    expect(message).toMatch(/one\.yaml \/requests/);
    expect(message).toMatch(/two\.yaml is not YAML/);
  });

  it('names an unknown property instead of ignoring it', () => {
    const file = join(folder, 'perf.config.yaml');
    writeFileSync(file, 'gate: { treshold: 5 }\n');
    const { code, message } = errorOf(() => readConfig(file));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toContain('/gate/treshold is not a known property');
  });

  it('fills in the defaults of an empty configuration', () => {
    const file = join(folder, 'empty.yaml');
    writeFileSync(file, '');
    expect(readYaml(PerfConfig, file, 'CONFIG_INVALID')).toMatchObject({
      profile: 'medium',
      infrastructure: 'embedded',
      monitoring: { enabled: true, intervalSeconds: 1 },
      gate: { thresholdPercent: { latency: 10, throughput: 10, cpu: 10 } },
    });
  });

  it('says which profiles there are when one is unknown', () => {
    const { code, hint } = errorOf(() => readLoadProfile('enormous'));
    expect(code).toBe('PROFILE_UNKNOWN');
    expect(hint).toContain('smoke');
  });
});

describe('choosing scenarios', () => {
  const all = readScenarios();
  const config = (scenarios: PerfConfig['scenarios']): PerfConfig => ({ ...readDefaults(), scenarios });

  it('takes the enabled ones with the configuration’s targets', () => {
    const chosen = chooseScenarios(
      all,
      config({ health: { enabled: false, slos: {} }, tools_list: { enabled: true, slos: { 'latency.p95': 3 } } }),
      [],
    );
    expect(chosen.map((one) => one.id)).not.toContain('health');
    expect(chosen.find((one) => one.id === 'tools_list')?.slos).toMatchObject({ 'latency.p95': 3, 'latency.p99': 50 });
  });

  it('takes exactly the named ones, even when the configuration disables them', () => {
    expect(
      chooseScenarios(all, config({ health: { enabled: false, slos: {} } }), ['health']).map((one) => one.id),
    ).toEqual(['health']);
  });

  it('refuses names that do not exist', () => {
    expect(errorOf(() => chooseScenarios(all, config({}), ['nope'])).code).toBe('SCENARIO_UNKNOWN');
    expect(errorOf(() => chooseScenarios(all, config({ nope: { enabled: true, slos: {} } }), [])).code).toBe(
      'CONFIG_INVALID',
    );
  });

  function readDefaults(): PerfConfig {
    const file = join(mkdtempSync(join(tmpdir(), 'gatebench-defaults-')), 'c.yaml');
    writeFileSync(file, '');
    const defaults = readConfig(file);
    rmSync(join(file, '..'), { recursive: true });
    return defaults;
  }
});

describe('a file with many faults', () => {
  it('is told in full', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebench-faults-'));
    const file = join(folder, 'perf.config.yaml');
    writeFileSync(file, Array.from({ length: 20 }, (_, index) => `unknown${index}: 1`).join('\n'));
    const { message } = errorOf(() => readConfig(file));
    rmSync(folder, { recursive: true });
    expect(message.match(/is not a known property/g)).toHaveLength(20);
  });
});

import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { infrastructures } from '../../src/infra/index.ts';
import { repository } from '../../src/paths.ts';
import { readInfrastructureProfile, readPostgresProfile, readServerProfile } from '../../src/plan/read.ts';
import { readResult, runFolderAt } from '../../src/result/run-folder.ts';
import { type Ended, harness, readRunRecords, startHarness } from './harness-process.ts';

const scenarios = ['--scenario', 'health', 'tools_call_simple', 'direct_tools_call_simple'];
const made: string[] = [];
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

function keep(ended: Ended): ReturnType<Ended['summary']> {
  const summary = ended.summary();
  made.push(summary.runFolder, runFolderAt(summary.runFolder).reportFile);
  return summary;
}

describe('a run', () => {
  let ended: Ended;
  let summary: ReturnType<Ended['summary']>;
  let copy = '';
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebench-output-'));
    made.push(folder);
    copy = join(folder, 'new/copy.json');
    ended = await harness('run', '--profile', 'smoke', ...scenarios, 'rest_tools_paging', '--json', '--output', copy);
    summary = keep(ended);
  });

  it('ends with the path of the report and one JSON line whose exit code is its own', () => {
    expect(ended.stdout).toContain(`Report      ${summary.report}`);
    expect(summary.exitCode).toBe(ended.exitCode);
    expect([0, 1, 4]).toContain(ended.exitCode);
    expect(summary.elapsedSeconds).toBeGreaterThan(1);
  });

  it('writes a copy of the result where it was asked to, in a folder that was not there', () => {
    expect(readFileSync(copy, 'utf8')).toBe(readFileSync(join(summary.runFolder, 'result.json'), 'utf8'));
  });

  it('measured every scenario in both loops without one wrong answer', () => {
    const { result } = readResult(summary.runFolder);
    expect(result.status).toBe('complete');
    expect(result.trials.map((trial) => [trial.id, trial.status, trial.load?.failed])).toEqual(
      result.plan.trials.map((planned) => [planned.id, 'ran', 0]),
    );
    for (const trial of result.trials) {
      expect(trial.load?.latency.count).toBe(trial.load?.succeeded);
      expect(trial.validity?.checks.length).toBeGreaterThan(3);
    }
  });

  it('read the gateway’s CPU to the nanosecond, and not that of the direct scenario', () => {
    const { result } = readResult(summary.runFolder);
    const usage = Object.fromEntries(result.trials.map((trial) => [trial.id, trial.usage]));
    expect(usage['tools_call_simple.closed.current.r1']).toMatchObject({ cpuSource: 'schedstat' });
    expect(usage['tools_call_simple.closed.current.r1']?.cpuSeconds).toBeGreaterThan(0.01);
    expect(usage['direct_tools_call_simple.closed.current.r1']).toBeNull();
  });

  it('keeps raw files, series, statistics, metrics and logs', () => {
    const files = readdirSync(summary.runFolder);
    for (const name of [
      'result.json',
      'system_metrics.csv',
      'pg_statements.csv',
      'pg_tables.csv',
      'prometheus_before.txt',
      'prometheus_after.txt',
      'gateway_logs.txt',
      'report.md',
    ]) {
      expect(files, name).toContain(name);
      expect(statSync(join(summary.runFolder, name)).size, name).toBeGreaterThan(0);
    }
    const { result } = readResult(summary.runFolder);
    for (const trial of result.trials) for (const raw of trial.load?.rawFiles ?? []) expect(files).toContain(raw);
    expect(result.collectors.filter((one) => !one.available)).toEqual([]);
  });

  it('writes no token anywhere', () => {
    const token = /eyJ[\w-]{10,}\.[\w-]{10,}/;
    expect(ended.stderr + ended.stdout).not.toMatch(token);
    for (const name of readdirSync(summary.runFolder))
      expect(readFileSync(join(summary.runFolder, name), 'utf8'), name).not.toMatch(token);
  });

  it('leaves no process behind', () => {
    const names = [...ended.started.keys()].map((key) => key.replace(/ \d+$/, ''));
    expect(names).toEqual(
      expect.arrayContaining([
        'PostgreSQL',
        'the benchmark MCP servers',
        'the gateway (current)',
        'the load generator',
      ]),
    );
    expect(ended.left()).toEqual([]);
  });

  it('gives the same report again by `harness analyze`', async () => {
    const report = summary.report ?? '';
    const before = readFileSync(report, 'utf8');
    rmSync(report);
    const again = await harness('analyze', summary.runFolder);
    expect(again.exitCode).toBe(ended.exitCode);
    expect(readFileSync(report, 'utf8')).toBe(before);
  });
});

describe('a run that is stopped', () => {
  it('by Ctrl-C ends everything, keeps what is known and exits with 130', async () => {
    const started = startHarness(['run', '--profile', 'light', ...scenarios, '--json']);
    await waitForText(started.stderr, '[1/');
    started.child.kill('SIGINT');
    const ended = await started.ended;
    const summary = keep(ended);
    expect(ended.exitCode).toBe(130);
    expect(summary.verdict).toBe('interrupted');
    const { result } = readResult(summary.runFolder);
    expect(result.status).toBe('interrupted');
    expect(result.trials).toHaveLength(result.plan.trials.length);
    expect(result.trials.some((trial) => trial.status === 'ran')).toBe(true);
    expect(result.trials.at(-1)).toMatchObject({ status: 'not-run' });
    expect(existsSync(summary.report ?? '')).toBe(true);
    expect(ended.started.size).toBeGreaterThan(0);
    expect(ended.left()).toEqual([]);
  });

  it('by Ctrl-C while the infrastructure starts leaves nothing', async () => {
    const started = startHarness(['run', '--profile', 'smoke', ...scenarios, '--json']);
    await waitForText(() => JSON.stringify(readRunRecords(started.child.pid)), 'initdb');
    started.child.kill('SIGINT');
    const ended = await started.ended;
    keep(ended);
    expect(ended.exitCode).toBe(130);
    expect(ended.started.size).toBeGreaterThan(0);
    expect(ended.left()).toEqual([]);
  });

  it('by SIGKILL is cleaned up by the next one', async () => {
    const started = startHarness(['run', '--profile', 'light', ...scenarios]);
    // The third trial is k6's, which does not end with the harness by itself.
    await waitForText(started.stderr, '[2/');
    await waitForText(() => JSON.stringify(readRunRecords(started.child.pid)), 'the load generator');
    const folder =
      readdirSync(join(repository, 'reports'))
        .filter((name) => name.startsWith('results_light_'))
        .sort()
        .at(-1) ?? '';
    made.push(join(repository, 'reports', folder));
    const { result } = readResult(join(repository, 'reports', folder));
    const gatewayUrl = result.subjects[0]?.url ?? '';
    started.child.kill('SIGKILL');
    await once(started.child, 'exit');
    expect((await fetch(`${gatewayUrl}/health`)).status).toBe(200);
    const next = await harness('run', '--profile', 'smoke', '--scenario', 'health', '--json');
    keep(next);
    await expect(fetch(`${gatewayUrl}/health`)).rejects.toThrow();
    expect(next.stderr).toMatch(/ended the load generator \(pid \d+, SIG/);
  });
});

describe('two runs side by side', () => {
  it('do not disturb each other', async () => {
    const args = ['run', '--profile', 'smoke', '--scenario', 'health', '--skip-report', '--json'];
    const [first, second] = await Promise.all([harness(...args), harness(...args)]);
    const folders = [keep(first), keep(second)].map((summary) => summary.runFolder);
    expect(new Set(folders).size).toBe(2);
    for (const folder of folders)
      expect(readResult(folder).result.trials.every((trial) => trial.load?.failed === 0)).toBe(true);
  });
});

describe('a baseline', () => {
  const file = join(repository, 'baselines/e2e-test.json');
  const args = ['run', '--profile', 'smoke', '--scenario', 'health', '--rounds', '2', '--json'];
  made.push(file);

  it('is kept, shown and compared with, and so are two run folders', async () => {
    const kept = await harness(...args, '--baseline', 'e2e-test');
    const before = keep(kept);
    expect(existsSync(file)).toBe(true);
    expect((await harness('baseline', 'list')).stdout).toContain('e2e-test');
    expect((await harness('baseline', 'show', 'e2e-test')).stdout).toContain('health');

    const compared = await harness(...args, '--compare-with', 'e2e-test');
    const after = keep(compared);
    expect(compared.exitCode).toBe(after.exitCode);
    expect(readFileSync(after.report ?? '', 'utf8')).toContain('e2e-test');
    const again = await harness('analyze', after.runFolder);
    expect(again.exitCode).toBe(compared.exitCode);

    const page = join(after.runFolder, 'comparison.html');
    const side = await harness('compare', before.runFolder, after.runFolder, '--output', page);
    expect([0, 1, 4]).toContain(side.exitCode);
    expect(side.stdout + side.stderr).toContain('health');
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>/);

    const misfit = ['run', '--profile', 'smoke', '--scenario', 'tools_list', '--compare-with', 'e2e-test', '--json'];
    const other = await harness(...misfit);
    expect(other.exitCode).toBe(4);
    expect(other.stderr).toMatch(/COMPARISON_REFUSED[\s\S]*scenarios: /);
    // Before the load, not after it.
    expect(other.stderr).not.toContain('infrastructure');
    expect(other.stdout).toBe('');
  });
});

describe('a gateway that is already running', () => {
  it('is measured, and what was registered there is removed', async () => {
    const profile = readInfrastructureProfile('embedded');
    const runFolder = mkdtempSync(join(tmpdir(), 'gatebench-target-'));
    made.push(runFolder);
    await using target = await infrastructures.embedded.start(
      {
        profile,
        serverProfile: readServerProfile(profile.serverProfile),
        postgresProfile: readPostgresProfile(profile.postgres.profile),
        subjects: [{ name: 'current', folder: repository, build: 'by hand' }],
        runFolder,
        gatewayEnvironment: {},
        report: () => undefined,
      },
      new AbortController().signal,
    );
    const gateway = target.gateways.current;
    if (gateway === undefined) throw new Error('the embedded infrastructure has no gateway');
    const args = [
      'run',
      '--profile',
      'smoke',
      '--scenario',
      'tools_call_simple',
      'servers_create',
      '--target-url',
      gateway.url,
      '--token-env',
      'TARGET_TOKEN',
      '--json',
    ];
    const ended = await startHarness(args, { TARGET_TOKEN: gateway.token }).ended;
    const { result } = readResult(keep(ended).runFolder);
    expect(result.trials.map((trial) => [trial.status, trial.load?.failed])).toEqual(
      result.trials.map(() => ['ran', 0]),
    );
    expect(result.subjects[0]?.build).toBe('0.1.0');
    for (const path of ['/gateways', '/servers', '/tools']) {
      const left = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${gateway.token}` } });
      expect(await left.json(), path).toEqual([]);
    }
    const refused = await startHarness(args, { TARGET_TOKEN: 'nonsense' }).ended;
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain('TARGET_UNAUTHORIZED');
    made.push(refused.summary().runFolder, runFolderAt(refused.summary().runFolder).reportFile);
  });
});

describe('wrong input', () => {
  const broken = mkdtempSync(join(tmpdir(), 'gatebench-wrong-'));
  made.push(broken);
  const config = join(broken, 'perf.config.yaml');
  writeFileSync(config, 'profile: 3\ngate: { alpha: 7, treshold: 1 }\n');
  const misspelt = join(broken, 'misspelt.config.yaml');
  writeFileSync(misspelt, 'profile: smoke\ngate: { metrics: [latency.p59], mustDecide: [cpu.per_request] }\n');
  const baseline = join(broken, 'result.json');
  writeFileSync(baseline, '{"schemaVersion":');

  it.each([
    ['an unknown option', ['run', '--frobnicate'], /unknown option '--frobnicate'/],
    ['an unknown scenario', ['run', '--scenario', 'nope'], /SCENARIO_UNKNOWN.*nope/],
    ['an unknown load profile', ['run', '--profile', 'enormous'], /PROFILE_UNKNOWN.*enormous/],
    ['an unknown infrastructure profile', ['run', '--infrastructure', 'moon'], /PROFILE_UNKNOWN.*moon/],
    ['an unknown server profile', ['run', '--server-profile', 'moon'], /PROFILE_UNKNOWN.*moon/],
    ['an engine that is none', ['run', '--engine', 'hey'], /--engine.*hey/],
    ['rounds that are none', ['run', '--rounds', '0'], /--rounds.*0/],
    [
      'a configuration that breaks its schema',
      ['run', '--config', config],
      /CONFIG_INVALID(?=[\s\S]*\/gate\/treshold)(?=[\s\S]*\/gate\/alpha)(?=[\s\S]*\/profile)/,
    ],
    ['a missing configuration', ['run', '--config', join(broken, 'none.yaml')], /CONFIG_INVALID.*none\.yaml/],
    ['an unknown baseline', ['run', '--compare-with', 'never-kept'], /BASELINE_UNKNOWN.*never-kept/],
    ['a corrupt baseline', ['run', '--compare-with', baseline], /BASELINE_INVALID/],
    [
      'a git reference that is none',
      ['run', '-p', 'smoke', '--against', 'no-such-ref'],
      /GIT_REF_UNKNOWN.*no-such-ref/,
    ],
    ['an output of an unknown kind', ['run', '--output', 'x.pdf'], /--output x\.pdf.*\.html/],
    ['a target without a token', ['run', '--target-url', 'http://127.0.0.1:1'], /--token-env/],
    [
      'a target together with --against',
      ['run', '--target-url', 'http://127.0.0.1:1', '--against', 'HEAD'],
      /--against/,
    ],
    ['a run folder that is none', ['analyze', broken], /RESULT_INVALID/],
    [
      'a metric of the gate that is none',
      ['run', '--config', misspelt],
      /CONFIG_INVALID[\s\S]*latency\.p59[\s\S]*mustDecide/,
    ],
    ['a baseline name that is no file name', ['run', '-p', 'smoke', '--baseline', 'a/b'], /USAGE.*a\/b/],
  ])('%s: exit code 2, a clear message, nothing started', async (_, args, message) => {
    const ended = await harness(...args);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect(ended.exitCode).toBe(2);
  });

  it('a target that is down: exit code 3 and the run folder says why', async () => {
    const ended = await startHarness(
      [
        'run',
        '-p',
        'smoke',
        '--scenario',
        'health',
        '--target-url',
        'http://127.0.0.1:1',
        '--token-env',
        'T',
        '--json',
      ],
      { T: 'x' },
    ).ended;
    const summary = keep(ended);
    expect(ended.exitCode).toBe(3);
    expect(ended.stderr).toMatch(/TARGET_DOWN.*127\.0\.0\.1:1/);
    expect(readResult(summary.runFolder).result).toMatchObject({ status: 'failed', failure: { code: 'TARGET_DOWN' } });
  });
});

describe('help', () => {
  it.each(['run', 'list', 'analyze', 'compare', 'baseline', 'hit', 'benchmark-servers', 'generate', 'fetch-k6'])(
    'of %s shows an example',
    async (command) => {
      const { stdout, exitCode } = await harness(command, '--help');
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/Examples?:/);
    },
  );

  it('of run has an example of every option', async () => {
    const { stdout } = await harness('run', '--help');
    const [options = '', examples = ''] = stdout.split('Examples:');
    const names = [...options.matchAll(/ (--[a-z-]+)/g)]
      .map(([, name]) => name ?? '')
      .filter((name) => name !== '--help');
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !new RegExp(`${name}\\b|${shortOf(options, name)} `).test(examples))).toEqual([]);
  });

  it('of the plan costs nothing: --dry-run starts nothing', async () => {
    const { stdout, exitCode } = await harness('run', '-p', 'medium', '--dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/36 trials, expected time \d/);
  });
});

/** The short form of an option in a help text, or itself. */
function shortOf(help: string, name: string): string {
  return new RegExp(`(-[a-z]), ${name}\\b`).exec(help)?.[1] ?? name;
}

async function waitForText(read: () => string, text: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!read().includes(text)) {
    if (Date.now() > deadline) throw new Error(`'${text}' did not come; seen: ${read()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

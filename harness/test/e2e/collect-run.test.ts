import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayLogsArtifact } from '../../src/collect/gateway-logs.ts';
import { GatewayRuntimeArtifact } from '../../src/collect/gateway-runtime.ts';
import { HostArtifact } from '../../src/collect/host.ts';
import { collectors } from '../../src/collect/index.ts';
import { PgActivityArtifact } from '../../src/collect/pg-activity.ts';
import { PgDatabaseArtifact } from '../../src/collect/pg-database.ts';
import { PgLocksArtifact } from '../../src/collect/pg-locks.ts';
import { PgStatementsArtifact } from '../../src/collect/pg-statements.ts';
import { PgTablesArtifact } from '../../src/collect/pg-tables.ts';
import { ProcessesArtifact } from '../../src/collect/processes.ts';
import { PrometheusArtifact } from '../../src/collect/prometheus.ts';
import { diffUsage, readUsage } from '../../src/collect/usage.ts';
import { startWatch } from '../../src/collect/watch.ts';
import { embedded } from '../../src/infra/embedded.ts';
import type { RunningInfrastructure } from '../../src/infra/infrastructure.ts';
import { builtFile, repository } from '../../src/paths.ts';
import type { Artifact } from '../../src/result/result.ts';
import { trialOf } from '../collect/context.ts';

const gatewayBuild = join(repository, 'gateway/dist/bundle/gateway.js');
const missing = [gatewayBuild, builtFile('upstream/main.js')].find((file) => !existsSync(file));
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(`${missing} is not built: npm run build`);

const REQUESTS = 300;
let folder: string;
let infrastructure: RunningInfrastructure;

function dataOf<S extends TSchema>(schema: S, artifact: Artifact | undefined): Static<S> {
  if (artifact?.available !== true) throw new Error(`not available: ${artifact?.reason}`);
  return Value.Parse(schema, artifact.data);
}

/** A process that sends the requests one after another, as a load generator of its own. */
async function load(url: string, token: string): Promise<{ pid: number; done: Promise<unknown> }> {
  const child = spawn(
    process.execPath,
    [
      '-e',
      `(async () => {
        for (let sent = 0; sent < ${REQUESTS}; sent++) {
          const answer = await fetch(process.env.URL + '/tools', { headers: { authorization: 'Bearer ' + process.env.TOKEN } });
          await answer.text();
          if (answer.status !== 200) process.exit(1);
        }
      })();`,
    ],
    { env: { ...process.env, URL: url, TOKEN: token }, stdio: 'inherit' },
  );
  if (child.pid === undefined) throw new Error('the load did not start');
  const done = once(child, 'exit').then(([code]) => expect(code).toBe(0));
  return { pid: child.pid, done };
}

describe.skipIf(missing !== undefined)(`all collectors on a whole run (${missing ?? 'nothing'} is missing)`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-watch-'));
    infrastructure = await embedded.start(
      {
        profile: {
          id: 'embedded',
          description: 'test',
          kind: 'embedded',
          serverProfile: 'standard',
          postgres: { version: '17', profile: 'default' },
          upstream: { servers: 1, tools: 3, resources: 1, prompts: 1 },
        },
        serverProfile: { id: 'standard', description: 'test', settings: {} },
        postgresProfile: { id: 'default', description: 'test', settings: {} },
        subjects: [{ name: 'current', folder: repository, build: 'test' }],
        runFolder: folder,
        gatewayEnvironment: {},
        report: () => {},
      },
      new AbortController().signal,
    );
  });

  afterAll(async () => {
    await infrastructure?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives every artifact in its documented shape, a complete series and the files of the run', async () => {
    const gateway = infrastructure.gateways.current;
    if (gateway === undefined) throw new Error('no gateway');
    const trial = trialOf('current');
    const loadPids = new Set<number>();
    const watch = await startWatch(Object.values(collectors), {
      infrastructure,
      loadPids,
      runFolder: folder,
      intervalSeconds: 0.2,
    });
    const pids = infrastructure.processes().flatMap(({ role, pid }) => (role === 'gateway' ? [pid] : []));
    const end = await watch.watchTrial(trial);
    const before = await readUsage(pids);
    const generator = await load(gateway.url, gateway.token);
    loadPids.add(generator.pid);
    await generator.done;
    const usage = diffUsage(before, await readUsage(pids));
    const artifacts = await end();
    loadPids.clear();
    await sleep(250);
    const series = watch.series();
    await watch[Symbol.asyncDispose]();

    expect(watch.summary().map(({ id, available, reason }) => ({ id, available, reason }))).toEqual(
      Object.keys(collectors).map((id) => ({ id, available: true, reason: null })),
    );
    expect(usage?.cpuSource).toBe(process.platform === 'linux' ? 'schedstat' : undefined);
    expect(usage?.cpuSeconds).toBeGreaterThan(0.02);

    expect(dataOf(HostArtifact, artifacts['host']).values['cpu_percent']).toBeGreaterThan(5);
    const { groups } = dataOf(ProcessesArtifact, artifacts['processes']);
    expect(groups['gateway']?.cpuPercent).toBeGreaterThan(1);
    const runtime = dataOf(GatewayRuntimeArtifact, artifacts['gateway-runtime']);
    expect(runtime.restarted).toBe(false);
    expect(runtime.heapUsedBytes).toBeGreaterThan(5e6);
    expect(runtime.peaks['event_loop_delay_p99_ms']?.samples).toBeGreaterThan(0);
    // The gateway's own account and the kernel's agree; scrapes and the edges of the trial lie between them.
    expect(runtime.cpuSeconds).toBeGreaterThan((usage?.cpuSeconds ?? 0) * 0.8);
    expect(dataOf(PgActivityArtifact, artifacts['pg-activity']).peaks['total']?.max).toBeGreaterThan(0);
    dataOf(PgDatabaseArtifact, artifacts['pg-database']);
    dataOf(PgTablesArtifact, artifacts['pg-tables']);
    dataOf(PgLocksArtifact, artifacts['pg-locks']);
    const { statements } = dataOf(PgStatementsArtifact, artifacts['pg-statements']);
    expect(JSON.stringify(statements)).not.toContain('gatebench-collector');
    const { changed } = dataOf(PrometheusArtifact, artifacts['prometheus']);
    const counted = changed
      .filter(({ name, labels }) => name === 'http_requests_total' && labels.includes('/tools'))
      .reduce((sum, { before: earlier, after }) => sum + after - (earlier ?? 0), 0);
    expect(counted).toBe(REQUESTS);
    expect(dataOf(GatewayLogsArtifact, artifacts['gateway-logs'])).toMatchObject({
      errors: 0,
      idleInTransactionTimeouts: 0,
    });

    // Every column but those of states that this machine does not have was given at least once.
    const never = series.columns.filter((_, place) => series.rows.every((row) => row[place] === null));
    expect(never.map(({ id }) => id).filter((id) => !/pressure|utilization|cache_hit|^host\.disk/.test(id))).toEqual(
      [],
    );
    expect(new Set(series.columns.map(({ id }) => id)).size).toBe(series.columns.length);

    const files = ['prometheus_before.txt', 'prometheus_after.txt', 'gateway_logs.txt'];
    const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
    expect(texts[0]).toContain('process_cpu_seconds_total');
    for (const text of texts) expect(text).not.toContain(gateway.token);
  });

  it('goes on through a restart of the gateway', async () => {
    const watch = await startWatch(Object.values(collectors), {
      infrastructure,
      loadPids: new Set(),
      runFolder: folder,
      intervalSeconds: 0.1,
    });
    await infrastructure.restartGateway('current');
    const gateway = infrastructure.gateways.current;
    const trial = trialOf('current');
    const end = await watch.watchTrial(trial);
    const { statusCode } = await request(`${gateway?.url}/health`);
    expect(statusCode).toBe(200);
    const artifacts = await end();
    await watch[Symbol.asyncDispose]();
    expect(Object.entries(artifacts).filter(([, artifact]) => !artifact.available)).toEqual([]);
    expect(dataOf(GatewayRuntimeArtifact, artifacts['gateway-runtime']).restarted).toBe(false);
  });
});

// Measures the load generators on this machine and writes the tables of docs/load-generators.md between its markers:
//   npx tsc -b && node harness/dist/bench/load.js
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMachine, heading, row, writeMeasured } from '@gatebench/gateway/write-measured';
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { startCalibrationServer, startTrivialServer } from '../src/load/calibration-server.ts';
import { constantDelay, type DelayModel, delayQuantile } from '../src/load/delay-model.ts';
import type { Driver, LoadJob } from '../src/load/driver.ts';
import { drivers } from '../src/load/index.ts';
import type { LoadResult } from '../src/result/result.ts';

const RATES = [100, 500, 1000, 2000];
const SECONDS = 4;

const signal = new AbortController().signal;
const [serverCpus, loadCpus] = process.platform === 'linux' && availableParallelism() > 1 ? [[0], [1]] : [[], []];
const folder = mkdtempSync(join(tmpdir(), 'gatebench-bench-'));
const requestsFile = join(folder, 'requests.json');
const expect = { status: 200, jsonRpc: false, body: [{ path: 'ok', equals: true }] };
const common = { method: 'POST', path: '/', headers: { 'content-type': 'application/json' }, auth: true, rpcId: null };
writeFileSync(requestsFile, JSON.stringify([{ ...common, name: 'ok', body: '{"hello":"world"}', expect }]));

function run(driver: Driver, baseUrl: string, more: Partial<LoadJob>): Promise<LoadResult> {
  const job: LoadJob = {
    id: 'bench',
    loop: 'open',
    baseUrl,
    token: 'none',
    requestsFile,
    ratePerSecond: null,
    durationSeconds: SECONDS,
    requests: more.ratePerSecond ? more.ratePerSecond * SECONDS : Number.MAX_SAFE_INTEGER,
    concurrency: 50,
    timeoutMs: 10_000,
    warmup: null,
    minimumSeconds: 0,
    turnSeconds: null,
    cpus: loadCpus,
    folder,
    ...more,
  };
  process.stderr.write(`${driver.id} ${job.loop} ${job.ratePerSecond ?? `${job.concurrency} connections`}\n`);
  return driver.run(job, signal);
}

function percentile(result: LoadResult, percent: number): number {
  return decodeFromCompressedBase64(result.latency.histogram, 32, false).getValueAtPercentile(percent) / 1000;
}

async function rateTable(): Promise<string[]> {
  const lines = heading(
    ...['engine', 'offered /s', 'achieved /s', 'lag p50 ms', 'lag p99 ms', 'lag max ms', 'CPU % of a core', 'failed'],
  );
  await using server = await startTrivialServer({ status: 200, headers: {}, body: '{"ok":true}' }, serverCpus);
  for (const driver of [drivers.k6, drivers.autocannon]) {
    for (const ratePerSecond of RATES) {
      const result = await run(driver, server.url, { ratePerSecond });
      const lag = result.scheduleLagMs;
      lines.push(
        row(
          result.engine,
          ratePerSecond,
          result.achievedRate.toFixed(1),
          lag?.p50.toFixed(2) ?? 'not known',
          lag?.p99.toFixed(2) ?? 'not known',
          lag?.max.toFixed(2) ?? 'not known',
          result.generatorCpuPercent?.toFixed(0) ?? 'not known',
          result.failed,
        ),
      );
    }
  }
  return lines;
}

async function ceilingTable(): Promise<string[]> {
  const lines = heading('answer', 'connections', 'requests /s');
  for (const [title, text] of [
    ['20 bytes', ''],
    ['10 kB', 'x'.repeat(10_000)],
  ] as const) {
    const body = JSON.stringify({ ok: true, text });
    await using server = await startTrivialServer({ status: 200, headers: {}, body }, serverCpus);
    for (const concurrency of [5, 50, 200]) {
      const result = await run(drivers.autocannon, server.url, { loop: 'closed', concurrency, durationSeconds: 2 });
      lines.push(row(title, concurrency, Math.round(result.achievedRate)));
    }
  }
  return lines;
}

async function accuracyTable(): Promise<string[]> {
  const lines = heading('driver', 'delays', 'p50 ms (true)', 'p99 ms (true)');
  const points = [
    { delayMs: 5, share: 0.97 },
    { delayMs: 50, share: 0.03 },
  ];
  const models: [string, DelayModel][] = [
    ['5 ms', constantDelay(5)],
    ['97 × 5 ms, 3 × 50 ms', { seed: 7, points, stall: null }],
  ];
  for (const [title, driver, load] of [
    ['k6, open, 200/s', drivers.k6, { ratePerSecond: 200 }],
    ['autocannon, open, 200/s', drivers.autocannon, { ratePerSecond: 200 }],
    ['autocannon, closed, 4 connections', drivers.autocannon, { loop: 'closed', concurrency: 4 }],
  ] as [string, Driver, Partial<LoadJob>][]) {
    for (const [delays, model] of models) {
      await using server = await startCalibrationServer(model, serverCpus);
      const result = await run(driver, server.url, load);
      const cell = (percent: number): string =>
        `${percentile(result, percent).toFixed(2)} (${delayQuantile(model, percent / 100)})`;
      lines.push(row(title, delays, cell(50), cell(99)));
    }
  }
  return lines;
}

try {
  await drivers.k6.prepare((line) => process.stderr.write(`${line}\n`), signal);
  const before = loadavg()[0]?.toFixed(1);
  const tables = [
    `${describeMachine()}; the generator on one core, the server on another; ` +
      `load average before the measurement: ${before} (above 0.5 something else was at work, and lag and accuracy are worse than they could be).`,
    '',
    `### Schedule lag and CPU, open loop, ${SECONDS} s against a trivial server`,
    '',
    ...(await rateTable()),
    '',
    '### Ceiling, closed loop, one check of the body per answer',
    '',
    ...(await ceilingTable()),
    '',
    '### Accuracy against known delays',
    '',
    ...(await accuracyTable()),
  ];
  writeMeasured('docs/load-generators.md', 'harness/bench/load.ts', tables);
} finally {
  rmSync(folder, { recursive: true });
}

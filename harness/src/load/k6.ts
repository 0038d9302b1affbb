// k6 as a driver: the open loop (constant arrival rate), and only that.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { parse } from '@gatebench/gateway/parse';
import { Type } from 'typebox';
import { HarnessError } from '../errors.ts';
import { repository } from '../paths.ts';
import { redact } from '../redact.ts';
import type { LoadResult } from '../result/result.ts';
import { type Driver, type LoadHooks, type LoadJob, PreparedRequest } from './driver.ts';
import { findK6, type K6 } from './find-k6.ts';
import { type GeneratorRun, runGenerator } from './generator-process.ts';
import { K6Summary, readK6Samples } from './k6-samples.ts';
import { RAW_HEADER, toRawLine } from './raw-samples.ts';
import { stallCapacity } from './stall-capacity.ts';
import { Tally } from './tally.ts';

/** Virtual users open their connections before the load at this rate; k6's shortest scenario takes a second. */
const CONNECTS_PER_SECOND = 1000;
const MINIMUM_SCENARIO_MS = 1000;

/**
 * Go's runtime waits for its timers in whole milliseconds (epoll_wait), so k6 alone sends up to 1.4 ms late. Every
 * iteration therefore starts so much early, and waits actively until its request is due.
 */
const LEAD_MS = 1.2;
/** Above this rate waiting would take more of a core than the load does, and k6's timers are more often awake anyway. */
const LEAD_UP_TO_RATE = 500;
/** Iterations of this long send nothing: k6's first ones take milliseconds. */
const LEAD_IN_MS = 150;
/**
 * k6's garbage collector stops it for milliseconds, and a trial is over before it is needed: it starts when the heap has
 * this share of the free memory. (At a limit of 2 GiB, which 1,250 virtual users reach in 12 s, the lag's p99 was 80 ms.)
 */
const HEAP_SHARE = 0.4;
const HEAP_LIMIT_BYTES = 8 * 1024 ** 3;

/** Below this many requests no p95 can be judged, and the second that opening connections takes is saved. */
const CONNECT_FROM_REQUESTS = 200;

function connectMs(job: OpenJob, virtualUsers: number): number {
  if (job.requests < CONNECT_FROM_REQUESTS) return 0;
  return Math.max(MINIMUM_SCENARIO_MS, Math.ceil((virtualUsers / CONNECTS_PER_SECOND) * 1000) + 800);
}

let found: K6 | undefined;

export const k6: Driver = {
  id: 'k6',

  async prepare(report, signal) {
    found = await findK6(report, signal);
    return { version: found.version };
  },

  async run(job, signal, hooks) {
    if (job.loop !== 'open' || job.ratePerSecond === null) {
      throw new HarnessError('LOAD_FAILED', { detail: `${job.id}: k6 runs open loops with a rate` });
    }
    const tool = found ?? (await findK6(() => undefined, signal));
    // In the run folder: what a killed run leaves goes with it.
    const scratch = await mkdtemp(join(job.folder, `${job.id}.k6-`));
    try {
      return await runIn(scratch, tool, { ...job, ratePerSecond: job.ratePerSecond }, signal, hooks);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

type OpenJob = LoadJob & { ratePerSecond: number };

/** k6 runs in its scratch folder and gets bare names: `--log-output` would cut a path at a comma. */
const files = { log: 'samples.log', summary: 'summary.json' };

async function runIn(
  scratch: string,
  tool: K6,
  job: OpenJob,
  signal: AbortSignal,
  hooks?: LoadHooks,
): Promise<LoadResult> {
  const requests = parse(
    Type.Array(PreparedRequest, { minItems: 1 }),
    JSON.parse(await readFile(job.requestsFile, 'utf8')),
    job.requestsFile,
  );
  const ratePer1000Seconds = Math.max(1, Math.round(job.ratePerSecond * 1000));
  // k6's ticker counts whole nanoseconds.
  const periodNs = Math.trunc(1e12 / ratePer1000Seconds);
  const leadMs = job.ratePerSecond <= LEAD_UP_TO_RATE ? LEAD_MS : 0;
  const leadIn = Math.ceil(LEAD_IN_MS / (periodNs / 1e6));
  // A little longer than the load: the last request is due a lead later, and k6's clock stands still at the end.
  const loadMs = Math.round((leadIn + job.requests) * (periodNs / 1e6)) + 20;
  const durationMs = Math.max(MINIMUM_SCENARIO_MS, loadMs);
  // Iterations past the last request that is due take a virtual user too.
  const virtualUsers = stallCapacity(job.ratePerSecond, Math.ceil((job.ratePerSecond * durationMs) / 1000));
  await hooks?.onReady?.();
  const run = await runGenerator(
    {
      command: tool.command,
      arguments: [
        'run',
        '--quiet',
        '--no-color',
        '--no-usage-report',
        '--address',
        '',
        '--log-format',
        'raw',
        `--log-output=file=${files.log}`,
        join(repository, 'scenarios/k6/run.ts'),
      ],
      environment: {
        ...(job.cpus.length > 0 && { GOMAXPROCS: String(job.cpus.length) }),
        GATEBENCH_BASE_URL: job.baseUrl,
        GATEBENCH_TOKEN: job.token,
        GATEBENCH_REQUESTS_FILE: job.requestsFile,
        GATEBENCH_RATE_PER_1000_S: String(ratePer1000Seconds),
        GATEBENCH_DURATION_MS: String(durationMs),
        GATEBENCH_DUE: String(job.requests),
        GATEBENCH_VUS: String(virtualUsers),
        GATEBENCH_CONNECT_MS: String(connectMs(job, virtualUsers)),
        GOGC: 'off',
        GOMEMLIMIT: `${Math.round(Math.min(HEAP_LIMIT_BYTES, freemem() * HEAP_SHARE))}B`,
        GATEBENCH_LEAD_MS: String(leadMs),
        GATEBENCH_LEAD_IN: String(leadIn),
        GATEBENCH_PERIOD_MS: String(periodNs / 1e6),
        GATEBENCH_TIMEOUT_MS: String(job.timeoutMs),
        GATEBENCH_SUMMARY_FILE: files.summary,
      },
      folder: scratch,
      cpus: job.cpus,
    },
    signal,
    hooks,
  );
  const log = await readFile(join(scratch, files.log), 'utf8').catch(() => '');
  if (run.exitCode !== 0) {
    const said = redact(`${run.stderr.trim()} ${log.trim().slice(0, 1000)}`, job.token, 1500);
    throw new HarnessError('LOAD_FAILED', { detail: `k6 ended with exit code ${run.exitCode}: ${said}` });
  }
  const summary = parse(K6Summary, JSON.parse(await readFile(join(scratch, files.summary), 'utf8')), 'k6 summary');
  const load = { requests, periodMs: periodNs / 1e6, dropped: summary.dropped, token: job.token };
  return writeResult(job, readK6Samples(log, load), summary, run, tool);
}

async function writeResult(
  job: OpenJob,
  read: ReturnType<typeof readK6Samples>,
  summary: K6Summary,
  run: GeneratorRun,
  tool: K6,
): Promise<LoadResult> {
  const tally = new Tally();
  const raw = [RAW_HEADER];
  let opened = 0;
  let lastMs = 0;
  let lastSentMs = 0;
  for (const { iteration, opened: isNew, sample } of read.samples) {
    tally.add(sample);
    raw.push(toRawLine(iteration, sample));
    if (isNew) opened += 1;
    const sentMs = sample.startMs + (sample.lagMs ?? 0);
    lastSentMs = Math.max(lastSentMs, sentMs);
    lastMs = Math.max(lastMs, sample.startMs + (sample.latencyMs ?? job.timeoutMs));
  }
  const rawFiles = [`${job.id}.samples.csv`];
  await writeFile(join(job.folder, `${job.id}.samples.csv`), `${raw.join('\n')}\n`);
  if (read.messages.length > 0) {
    rawFiles.push(`${job.id}.k6.log`);
    await writeFile(join(job.folder, `${job.id}.k6.log`), `${read.messages.join('\n')}\n`);
  }
  const periodSeconds = 1 / job.ratePerSecond;
  const result = tally.result({
    engine: `k6 ${tool.version}`,
    startedAtMs: read.startedAtMs,
    durationSeconds: Math.max(0.001, lastMs / 1000),
    offeredRate: job.ratePerSecond,
    // The last slot stands for one more period, so that a load sent on time achieves exactly what was offered.
    achievedRate: tally.completed / Math.max(job.requests * periodSeconds, lastSentMs / 1000 + periodSeconds),
    dropped: summary.dropped,
    scheduleKnown: summary.dropped === 0,
    connectionsOpened: opened,
    generatorCpuPercent: cpuPercent(run.cpu, read.startedAtMs, read.startedAtMs + lastMs),
    rawFiles,
  });
  return { ...result, bytesReceived: Math.round(summary.bytesReceived) };
}

/** CPU between the samples nearest to the load's begin and end: k6's own start is not part of it. */
function cpuPercent(samples: GeneratorRun['cpu'], fromMs: number, toMs: number): number | null {
  const within = samples.filter((sample) => sample.atMs >= fromMs && sample.atMs <= toMs);
  const first = within[0];
  const last = within.at(-1);
  if (first === undefined || last === undefined || last.atMs === first.atMs) return null;
  return ((last.seconds - first.seconds) / ((last.atMs - first.atMs) / 1000)) * 100;
}

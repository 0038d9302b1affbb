// autocannon as a driver: closed loop, and the open loop of `--engine autocannon`.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parse } from '@gatebench/gateway/parse';
import { HarnessError } from '../errors.ts';
import { builtFile } from '../paths.ts';
import { redact } from '../redact.ts';
import type { Driver, LoadHooks, LoadJob } from './driver.ts';
import { runGenerator } from './generator-process.ts';
import { stallCapacity } from './stall-capacity.ts';
import { type WorkerJob, WorkerReport } from './worker-job.ts';

/** Runs the worker, from the build. @throws LOAD_FAILED, INTERRUPTED */
export async function runAutocannon(
  job: WorkerJob,
  cpus: number[],
  signal: AbortSignal,
  hooks?: LoadHooks,
): Promise<WorkerReport> {
  const run = await runGenerator(
    {
      command: process.execPath,
      arguments: [builtFile('load/autocannon-worker.js')],
      environment: {},
      input: `${JSON.stringify(job)}\n`,
      cpus,
    },
    signal,
    hooks,
  );
  if (run.exitCode !== 0) {
    const said = redact(run.stderr.trim(), job.token, 1000) || 'it said nothing';
    throw new HarnessError('LOAD_FAILED', { detail: `autocannon ended with exit code ${run.exitCode}: ${said}` });
  }
  return parse(WorkerReport, JSON.parse(run.stdout), 'autocannon worker');
}

export const autocannon: Driver = {
  id: 'autocannon',

  async prepare() {
    const manifest: { version: string } = createRequire(import.meta.url)('autocannon/package.json');
    return { version: manifest.version };
  },

  async run(job: LoadJob, signal, hooks) {
    const rawFile = `${job.id}.samples.csv`;
    const open = job.loop === 'open' ? job.ratePerSecond : null;
    if (job.loop === 'open' && open === null) {
      throw new HarnessError('LOAD_FAILED', { detail: `${job.id}: an open loop needs a rate` });
    }
    const capacity = open === null ? job.concurrency : stallCapacity(open, job.requests);
    const { result } = await runAutocannon(
      {
        loop: job.loop,
        baseUrl: job.baseUrl,
        token: job.token,
        requests: job.requestsFile,
        judge: 'expect',
        ratePerSecond: open,
        durationSeconds: job.durationSeconds,
        requestLimit: job.requests,
        minimumSeconds: job.minimumSeconds,
        turnSeconds: job.turnSeconds,
        connections: open === null ? job.concurrency : Math.min(job.concurrency, capacity),
        maxConnections: capacity,
        timeoutMs: job.timeoutMs,
        rawFile: join(job.folder, rawFile),
        warmup: open === null ? job.warmup : null,
      },
      job.cpus,
      signal,
      hooks,
    );
    return { ...result, rawFiles: [rawFile] };
  },
};

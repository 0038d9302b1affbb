// How many processes serve: this one alone, or workers under a primary.
import cluster from 'node:cluster';
import { runPrimary } from './cluster/primary.ts';
import { runWorker } from './cluster/worker.ts';
import type { ResolvedConfig } from './config.ts';
import { serve } from './serve.ts';
import { openStore } from './store/store.ts';
import { createLog } from './telemetry/log.ts';

/** @param reread reads the settings anew, for SIGHUP */
export async function run(reread: () => ResolvedConfig): Promise<void> {
  if (cluster.isWorker) return runWorker();
  const settings = reread();
  if (settings.config.WORKERS === '0') return serve(settings);
  const program = process.argv[1] ?? '';
  await runPrimary({ settings, program, prepare: () => migrate(settings), reread });
}

async function migrate({ config }: ResolvedConfig): Promise<void> {
  await using _store = await openStore(config, createLog(config));
}

// How many processes serve: this one alone, or workers under a primary.
import cluster from 'node:cluster';
import { type PrimaryOptions, runPrimary } from './cluster/primary.ts';
import { runWorker } from './cluster/worker.ts';
import { toldMeaningless } from './config/meaningless.ts';
import type { ResolvedConfig } from './config.ts';
import { readCertificate } from './http/http-server.ts';
import { serve } from './serve.ts';
import { openStore } from './store/store.ts';
import { createLog } from './telemetry/log.ts';

/**
 * @param reread reads the settings anew, for SIGHUP
 * @param envFile is watched in DEV_MODE
 */
export async function run(reread: () => ResolvedConfig, envFile: string | undefined): Promise<void> {
  if (cluster.isWorker) return runWorker();
  const settings = reread();
  const { WORKERS, DEV_MODE } = settings.config;
  tellMeaningless(settings);
  if (WORKERS === '0' && !DEV_MODE) return serve(settings);
  // A worker that cannot serve says so in its log only: what can be found out before is.
  if (settings.config.SSL) readCertificate(settings.config);
  const program = process.argv[1] ?? '';
  const options: PrimaryOptions = {
    settings: toDevMode(settings),
    program,
    prepare: () => migrate(settings),
    reread: DEV_MODE ? () => toDevMode(reread()) : reread,
  };
  await runPrimary(DEV_MODE ? { ...options, watched: [import.meta.dirname, envFile] } : options);
}

/** What restarts on a change of the program is a worker. */
function toDevMode(settings: ResolvedConfig): ResolvedConfig {
  if (settings.config.WORKERS === '0') settings.config.WORKERS = '1';
  return settings;
}

function tellMeaningless({ config }: ResolvedConfig): void {
  const told = toldMeaningless(process.env);
  if (told.length > 0) createLog(config).warn({ settings: told }, 'these settings change nothing here');
}

async function migrate({ config }: ResolvedConfig): Promise<void> {
  await using _store = await openStore(config, createLog(config));
}

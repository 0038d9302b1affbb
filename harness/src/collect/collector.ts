// The port to something that watches a run. watch.ts drives all of them on one clock.
import type { RunningInfrastructure } from '../infra/infrastructure.ts';
import type { PlannedTrial } from '../plan/plan.ts';

export interface CollectorContext {
  infrastructure: RunningInfrastructure;
  /** pid of the generator that runs now, if one does. */
  loadPid(): number | undefined;
  runFolder: string;
  intervalSeconds: number;
}

export interface Column {
  name: string;
  unit: string;
  title: string;
}

/** A collector at work. Everything it throws makes it "not available, because …"; the run goes on. */
export interface CollectorSession extends AsyncDisposable {
  /** Columns of `sample`, if it samples. */
  columns: Column[];
  /** Once per tick. Must return fast (tens of milliseconds) and never overlap; a value that is not there is left out. */
  sample?(nowMs: number): Promise<Record<string, number>>;
  /** Just before the load starts: take the "before" picture. */
  beginTrial?(trial: PlannedTrial): Promise<void>;
  /** Just after the load has ended: the artifact of the trial, JSON, in the shape that the collector documents. */
  endTrial?(trial: PlannedTrial): Promise<unknown>;
}

export interface Collector {
  id: string;
  title: string;
  /** @throws when it cannot work here (no PostgreSQL of ours, no /proc): its message becomes the reason. */
  start(context: CollectorContext): Promise<CollectorSession>;
}

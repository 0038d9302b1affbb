// The port to something that watches a run. watch.ts drives all of them on one clock.
import type { RunningInfrastructure } from '../infra/infrastructure.ts';
import type { PlannedTrial } from '../plan/plan.ts';

export interface CollectorContext {
  infrastructure: RunningInfrastructure;
  /** Processes of the generators that run now: changes as they come and go. */
  loadPids: ReadonlySet<number>;
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
  /**
   * Just before the load starts: takes the "before" picture. What it returns is called just after the load has ended and
   * gives the trial's artifact, JSON, in the shape that the collector documents; after a load that failed it may never be.
   * Trials may overlap: what belongs to a trial is kept with it, not in the session.
   */
  watchTrial?(trial: PlannedTrial): Promise<() => Promise<unknown>>;
}

export interface Collector {
  id: string;
  title: string;
  /** @throws when it cannot work here (no PostgreSQL of ours, no /proc): its message becomes the reason. */
  start(context: CollectorContext): Promise<CollectorSession>;
}

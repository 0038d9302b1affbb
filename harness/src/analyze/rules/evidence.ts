// What rules share: trials of the measured build with their artifacts, and how a sighting is told.
import { parse } from '@gatebench/gateway/parse';
import type { Static, TSchema } from 'typebox';
import type { Loop } from '../../plan/plan.ts';
import type { RunResult } from '../../result/result.ts';
import { hasLoad, type LoadedTrial } from '../read-metric.ts';

/** Trials of `current` that ran, valid or not: what disturbed a trial is worth telling too. */
export function currentTrials(result: RunResult, loop?: Loop): LoadedTrial[] {
  return result.trials
    .filter(hasLoad)
    .filter((trial) => trial.subject === 'current' && (loop === undefined || trial.loop === loop));
}

/** Undefined when the collector was not available. @throws ParseError when its data is not what it documents */
export function artifactOf<S extends TSchema>(trial: LoadedTrial, collector: string, schema: S): Static<S> | undefined {
  const artifact = trial.artifacts[collector];
  if (artifact === undefined || !artifact.available) return undefined;
  return parse(schema, artifact.data, `${trial.id} /artifacts/${collector}`);
}

/** Every trial in which the collector was available, with what it saw. */
export function withArtifact<S extends TSchema>(
  result: RunResult,
  collector: string,
  schema: S,
  loop?: Loop,
): { trial: LoadedTrial; data: Static<S> }[] {
  return currentTrials(result, loop).flatMap((trial) => {
    const data = artifactOf(trial, collector, schema);
    return data === undefined ? [] : [{ trial, data }];
  });
}

/** Something seen in one trial, and how bad it was. */
export interface Sighting {
  trial: LoadedTrial;
  value: number;
  text: string;
}

/** The worst sighting of each scenario, worst first. */
export function worstByScenario(sightings: Sighting[]): Sighting[] {
  const worst = new Map<string, Sighting>();
  for (const sighting of sightings) {
    const known = worst.get(sighting.trial.scenario);
    if (known === undefined || sighting.value > known.value) worst.set(sighting.trial.scenario, sighting);
  }
  return [...worst.values()].sort((a, b) => b.value - a.value);
}

const MOST_LINES = 5;

/** One line per sighting with its trial and request count; the rest is counted. */
export function evidenceOf(sightings: Sighting[], source: string): string[] {
  const lines = sightings
    .slice(0, MOST_LINES)
    .map(({ trial, text }) => `${trial.id}: ${text} (${trial.load.sent} requests; ${source})`);
  return sightings.length > MOST_LINES ? [...lines, `and in ${sightings.length - MOST_LINES} more scenarios`] : lines;
}

/** "1 scenario", "3 scenarios". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Settings of the measured build as text, to name what to change. */
export function settingOf(result: RunResult, name: string): number | undefined {
  const value = result.subjects.find((subject) => subject.name === 'current')?.settings[name];
  return typeof value === 'number' ? value : undefined;
}

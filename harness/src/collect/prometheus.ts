// The gateway's /metrics before and after each trial, and what changed; the run's first and last answer as files.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import type { SubjectName } from '../plan/plan.ts';
import { redactLog } from '../redact.ts';
import type { Collector, CollectorContext } from './collector.ts';
import { type Sample, scrape, sumOf } from './scrape.ts';
import { gatewayOf, subjectsOf } from './subjects.ts';

const strict = { additionalProperties: false } as const;

export const PrometheusArtifact = Type.Object(
  {
    changed: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          labels: Type.String({ description: 'as written, without braces' }),
          before: Type.Union([Type.Number(), Type.Null()], { description: 'null: it was not there' }),
          after: Type.Number(),
        },
        strict,
      ),
      { description: 'samples that differ; bucket lines of histograms are left to the files' },
    ),
    restarted: Type.Boolean({ description: 'the gateway was restarted during the trial: counts began at 0 again' }),
    // Optional: results of older harnesses have neither.
    standing: Type.Optional(
      Type.Array(Type.Object({ name: Type.String(), labels: Type.String(), value: Type.Number() }, strict), {
        description: 'states that did not change and matter all the same: cache sizes, circuits that are not closed',
      }),
    ),
    absent: Type.Optional(
      Type.Array(Type.String(), {
        description: 'metrics that sections of the report need and the target does not have',
      }),
    ),
  },
  strict,
);
export type PrometheusArtifact = Static<typeof PrometheusArtifact>;

/** Without them a section of the report is "not available": layer timings, caches, the session pool. */
export const REPORTED = {
  layers: 'gateway_layer_duration_seconds_count',
  caches: 'cache_hits_total',
  sessions: 'mcp_pool_sessions_created_total',
} as const;

/** Gauges: their value is told also when it stayed the same. */
export const STATES = { cacheEntries: 'cache_entries', circuits: 'mcp_pool_circuit_breaker_state' } as const;
const states: string[] = Object.values(STATES);

export const prometheus: Collector = {
  id: 'prometheus',
  title: 'Prometheus metrics of the gateway',
  async start(context) {
    for (const subject of subjectsOf(context)) {
      await keep(context, subject, 'before', (await scrape(gatewayOf(context, subject))).text);
    }
    const last = new Map<SubjectName, string>();
    return {
      columns: [],
      async watchTrial(trial) {
        const before = await scrape(gatewayOf(context, trial.subject));
        return async (): Promise<PrometheusArtifact> => {
          const { text, samples } = await scrape(gatewayOf(context, trial.subject));
          last.set(trial.subject, text);
          return diffSamples(before.samples, samples);
        };
      },
      // The last answer is asked for now; when the gateway is gone already, it is the one after the last trial.
      async [Symbol.asyncDispose]() {
        for (const subject of subjectsOf(context)) {
          const text = await scrape(gatewayOf(context, subject)).then(
            (answer) => answer.text,
            () => last.get(subject),
          );
          if (text !== undefined) await keep(context, subject, 'after', text);
        }
      },
    };
  },
};

function keep(context: CollectorContext, subject: SubjectName, when: 'before' | 'after', text: string): Promise<void> {
  const name = subject === 'current' ? `prometheus_${when}.txt` : `prometheus_${when}.${subject}.txt`;
  return writeFile(join(context.runFolder, name), redactLog(text));
}

export function diffSamples(before: readonly Sample[], after: readonly Sample[]): PrometheusArtifact {
  const key = ({ name, labels }: Sample) => `${name}{${labels}}`;
  const earlier = new Map(before.map((sample) => [key(sample), sample.value]));
  const started = 'process_start_time_seconds';
  const names = new Set(after.map(({ name }) => name));
  return {
    changed: after
      .filter((sample) => !sample.name.endsWith('_bucket') && Number.isFinite(sample.value))
      .filter((sample) => !Object.is(earlier.get(key(sample)), sample.value))
      .map((sample) => ({
        name: sample.name,
        labels: sample.labels,
        before: toFinite(earlier.get(key(sample))),
        after: sample.value,
      })),
    restarted: sumOf(before, started) !== sumOf(after, started),
    standing: after
      .filter(({ name, value }) => states.includes(name) && value !== 0)
      .filter((sample) => Object.is(earlier.get(key(sample)), sample.value)),
    absent: Object.values(REPORTED).filter((name) => !names.has(name)),
  };
}

// NaN and infinities have no place in JSON.
function toFinite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

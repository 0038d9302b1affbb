// What a sampling collector saw during one trial, as least, mean and greatest of each column.
import { type Static, Type } from 'typebox';
import type { PlannedTrial, SubjectName } from '../plan/plan.ts';
import type { CollectorContext } from './collector.ts';
import { sampleSubjects } from './subjects.ts';

export const Peak = Type.Object(
  {
    min: Type.Number(),
    mean: Type.Number(),
    max: Type.Number(),
    samples: Type.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
);
export type Peak = Static<typeof Peak>;

/** By column name; a column without a sample is not there. */
export const Peaks = Type.Record(Type.String(), Peak);
export type Peaks = Static<typeof Peaks>;

export interface PeakSampler {
  /** One sample of every gateway, named by columnsFor; it counts for every open trial of the gateway. */
  sample(): Promise<Record<string, number>>;
  /** Opens a trial; trials may overlap. What it returns takes a last sample, of the trial's gateway only, and closes it. */
  watchTrial(trial: PlannedTrial): () => Promise<Peaks>;
}

export function createPeakSampler(
  context: CollectorContext,
  read: (subject: SubjectName) => Promise<Record<string, number>>,
): PeakSampler {
  const open = new Set<{ subject: SubjectName; peaks: Peaks }>();
  async function readSubject(subject: SubjectName): Promise<Record<string, number>> {
    const values = await read(subject);
    for (const trial of open) if (trial.subject === subject) addSample(trial.peaks, values);
    return values;
  }
  return {
    sample: () => sampleSubjects(context, readSubject),
    watchTrial({ subject }) {
      const trial = { subject, peaks: {} };
      open.add(trial);
      return async () => {
        try {
          await readSubject(subject);
          return trial.peaks;
        } finally {
          open.delete(trial);
        }
      };
    },
  };
}

function addSample(peaks: Peaks, sample: Record<string, number>): void {
  for (const [name, value] of Object.entries(sample)) {
    const peak = peaks[name];
    if (peak === undefined) {
      peaks[name] = { min: value, mean: value, max: value, samples: 1 };
      continue;
    }
    peak.samples++;
    peak.mean += (value - peak.mean) / peak.samples;
    peak.min = Math.min(peak.min, value);
    peak.max = Math.max(peak.max, value);
  }
}

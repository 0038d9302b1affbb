// What a sampling collector saw during one trial, as least, mean and greatest of each column.
import { type Static, Type } from 'typebox';

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

export function addSample(peaks: Peaks, sample: Record<string, number>): void {
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

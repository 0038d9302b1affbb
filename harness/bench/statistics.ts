// Certifies the comparison by simulation: how often an A/A gate alarms, and how often a real change is caught. Seeded: the same table each time.
// Run: `npx tsc -b && node harness/dist/bench/statistics.js` prints the tables of docs/statistics.md.
import { decideRows } from '../src/analyze/decide-rows.ts';
import { pairedRatio, unpairedRatio } from '../src/analyze/stats/ratio.ts';
import type { TestedRow } from '../src/analyze/test-row.ts';
import { createRandom, deriveSeed, type Random } from '../src/random.ts';

/** What the rounds of a figure look like. `shared`: half of the variance is the round's mood, the same in all scenarios. */
export const noises = ['normal', 'log-normal', 'outliers', 'shared'] as const;
export type Noise = (typeof noises)[number];

export interface Simulation {
  noise: Noise;
  /** Coefficient of variation of one round; of one pair's ratio when paired. */
  variation: number;
  rounds: number;
  paired: boolean;
  scenarios: number;
  metrics: number;
  /** True change of every scenario of the first metric: 0.2 is +20 %. */
  change: number;
  thresholdPercent: number;
  gates: number;
  seed: number;
}

export interface Outcome {
  /** Share of gates with at least one significant row among those without a change, whatever its size (the family-wise error). */
  significant: number;
  /** Share of gates with at least one regression or improvement (significant and beyond the threshold) among those rows. */
  alarms: number;
  /** Share of the changed rows that were called a regression. */
  power: number;
  /** Share of gates in which at least one changed row was. */
  caught: number;
  /** Share of the changed rows (or of all, without a change) that stayed undecided. */
  undecided: number;
  /** Mean of the smallest change that the rows could have seen, per cent. */
  visiblePercent: number;
}

const ALPHA = 0.05;

export function simulate(options: Simulation): Outcome {
  const tally = { significant: 0, alarms: 0, found: 0, caught: 0, undecided: 0, visible: 0, asked: 0, rows: 0 };
  for (let gate = 0; gate < options.gates; gate++) {
    const random = createRandom(deriveSeed(options.seed, options.noise, gate));
    const decided = decideRows(rowsOf(options, random), ALPHA);
    const changed = options.change === 0 ? [] : decided.filter((row) => row.metric === 'metric 0');
    const same = decided.filter((row) => !changed.includes(row));
    const asked = changed.length > 0 ? changed : same;
    const regressed = changed.filter((row) => row.status === 'regression').length;
    if (same.some((row) => (row.pAdjusted ?? 1) <= ALPHA)) tally.significant += 1;
    if (same.some((row) => row.status === 'regression' || row.status === 'improvement')) tally.alarms += 1;
    if (regressed > 0) tally.caught += 1;
    tally.found += regressed;
    tally.undecided += asked.filter((row) => row.status === 'undecided').length;
    tally.asked += asked.length;
    tally.visible += decided.reduce((sum, row) => sum + (row.smallestVisiblePercent ?? 0), 0);
    tally.rows += decided.length;
  }
  return {
    significant: tally.significant / options.gates,
    alarms: tally.alarms / options.gates,
    power: options.change === 0 ? 0 : tally.found / tally.asked,
    caught: tally.caught / options.gates,
    undecided: tally.undecided / tally.asked,
    visiblePercent: tally.visible / tally.rows,
  };
}

function rowsOf(options: Simulation, random: Random): TestedRow[] {
  const rows: TestedRow[] = [];
  for (let metric = 0; metric < options.metrics; metric++) {
    const moods = [moodsOf(options, random), moodsOf(options, random)];
    for (let scenario = 0; scenario < options.scenarios; scenario++) {
      // Scenarios differ in how noisy they are: by half up or down.
      const variation = options.variation * (0.5 + random());
      const [before = [], after = []] = moods.map((mood) =>
        mood.map((value) => drawRound(options, variation, value, random)),
      );
      const shift = metric === 0 ? 1 + options.change : 1;
      const estimate = (options.paired ? pairedRatio : unpairedRatio)(
        before,
        after.map((value) => value * shift),
        random,
      );
      rows.push({
        seen: {
          scenario: `scenario ${scenario}`,
          metric: `metric ${metric}`,
          unit: 'ms',
          better: 'lower',
          before: null,
          after: null,
          ratio: null,
          thresholdPercent: options.thresholdPercent,
          rounds: [options.rounds, options.rounds],
        },
        test: 'ratio',
        estimate,
      });
    }
  }
  return rows;
}

function moodsOf({ rounds }: Simulation, random: Random): number[] {
  return Array.from({ length: rounds }, () => gaussian(random));
}

/** One round's value around 1. A pair's ratio has √2 of a side's spread, so each side gets its share. */
function drawRound({ noise, paired }: Simulation, variation: number, mood: number, random: Random): number {
  const side = paired ? variation / Math.SQRT2 : variation;
  const own = gaussian(random);
  switch (noise) {
    case 'normal':
      return Math.max(0.05, 1 + side * own);
    case 'log-normal':
      return Math.exp(Math.sqrt(Math.log1p(side * side)) * own);
    case 'outliers':
      // One round in twenty is half as slow again: a neighbour woke up.
      return Math.exp(side * own) * (random() < 0.05 ? 1.5 : 1);
    case 'shared':
      return Math.exp(side * Math.SQRT1_2 * (own + mood));
  }
}

function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const family = { scenarios: 16, metrics: 4, thresholdPercent: 10, seed: 2026 };
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function falseAlarmTable(gates: number): string[] {
  const lines = [
    '| rounds | pairs | noise | variation | family-wise error | gate alarms |',
    '|---|---|---|---|---|---|',
  ];
  for (const rounds of [5, 8, 12]) {
    for (const paired of [true, false]) {
      for (const noise of noises) {
        for (const variation of [0.05, 0.15]) {
          const outcome = simulate({ ...family, noise, variation, rounds, paired, change: 0, gates });
          lines.push(
            `| ${rounds} | ${paired ? 'yes' : 'no'} | ${noise} | ${percent(variation)} | ${percent(outcome.significant)} | ${percent(outcome.alarms)} |`,
          );
        }
      }
    }
  }
  return lines;
}

export function powerTable(gates: number): string[] {
  const lines = [
    '| rounds | pairs | variation | a changed row is caught | a gate is caught | undecided | smallest visible |',
    '|---|---|---|---|---|---|---|',
  ];
  for (const paired of [true, false]) {
    for (const variation of [0.03, 0.05, 0.08, 0.12]) {
      for (const rounds of [5, 6, 8, 12]) {
        const outcome = simulate({ ...family, noise: 'log-normal', variation, rounds, paired, change: 0.2, gates });
        lines.push(
          `| ${rounds} | ${paired ? 'yes' : 'no'} | ${percent(variation)} | ${percent(outcome.power)} | ${percent(outcome.caught)} | ${percent(outcome.undecided)} | ${outcome.visiblePercent.toFixed(0)} % |`,
        );
      }
    }
  }
  return lines;
}

if (process.argv[1]?.endsWith('statistics.js')) {
  const gates = Number(process.argv[2] ?? 200);
  process.stdout.write(`False alarms, ${gates} A/A gates of 64 tests each\n\n${falseAlarmTable(gates).join('\n')}\n\n`);
  process.stdout.write(
    `Power for +20 % at a threshold of 10 %, ${gates} gates each\n\n${powerTable(gates).join('\n')}\n`,
  );
}

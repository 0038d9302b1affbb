// The figures of tuning.ts as rows of docs/tuning.md: off → on, the ratio of each pair of neighbouring blocks, and whether it is
// what the source claims.
import { median } from './rig.ts';
import type { TuningRow } from './tuning-rows.ts';
import { heading, row as line } from './write-measured.ts';

export interface Block {
  cpuUsPerRequest: number;
  p50Ms: number;
  requestsPerSecond: number;
  bytes: number;
}

export interface Measured {
  row: TuningRow;
  pairs: { off: Block; on: Block }[];
  transactionsPerRequest: { off: number; on: number };
}

export interface NotMeasured {
  row: TuningRow;
  because: string;
}

/** Of another bench, or without a setting: no pairs. */
export interface Told {
  what: string;
  claim: string;
  section: string;
  told: string;
  holds: string;
  advice: string;
}

export function toTableLines(all: readonly (Measured | NotMeasured | Told)[]): string[] {
  return [
    ...heading('setting: off → on', 'the source claims', 'measured: off → on', 'on ÷ off', 'holds here?', 'what to do'),
    ...all.map((one) => ('told' in one ? toldLine(one) : 'because' in one ? missingLine(one) : measuredLine(one))),
  ];
}

function measuredLine({ row, pairs, transactionsPerRequest }: Measured): string {
  const of = (side: 'off' | 'on', figure: keyof Block) => median(pairs.map((pair) => pair[side][figure]));
  const change = (figure: keyof Block, digits: number) =>
    `${of('off', figure).toFixed(digits)} → ${of('on', figure).toFixed(digits)}`;
  const { off, on } = transactionsPerRequest;
  const measured = [
    `${row.request}: CPU ${change('cpuUsPerRequest', 0)} µs, p50 ${change('p50Ms', 2)} ms`,
    // Below this it is what start and background work cost.
    ...(Math.max(off, on) >= 0.05 ? [`${off.toFixed(1)} → ${on.toFixed(1)} SQL transactions`] : []),
    ...(row.claimed.of === 'bytes' ? [`${change('bytes', 0)} bytes`] : []),
  ];
  const ratios = (['cpu', 'p50'] as const).map((figure) => {
    const each = ratiosOf(pairs, figure);
    return `${figure === 'cpu' ? 'CPU' : figure} ${median(each).toFixed(2)} (${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)})`;
  });
  return line(name(row), claim(row), measured.join('; '), ratios.join(', '), verdict(row, pairs), row.advice);
}

const missingLine = ({ row, because }: NotMeasured) =>
  line(name(row), claim(row), `not measured: ${because}`, '', '', row.advice);

const toldLine = ({ what, told, holds, advice, ...rest }: Told) => line(what, claim(rest), told, '', holds, advice);

const claim = ({ claim: text, section }: { claim: string; section: string }) =>
  section === '—' ? text : `${text} (${section})`;

/** `--only` takes the name; the settings say what differs. */
function name({ name: own, settings, off, on }: TuningRow): string {
  const changes = settings.map((setting) => `\`${setting}\` ${off[setting] ?? ''} → ${on[setting] ?? ''}`);
  return settings.length === 1 && settings[0] === own ? changes.join('') : `${changes.join(', ')} [\`${own}\`]`;
}

const figures = { cpu: 'cpuUsPerRequest', p50: 'p50Ms', bytes: 'bytes' } as const;

export function ratiosOf(pairs: Measured['pairs'], figure: keyof typeof figures): number[] {
  return pairs.map(({ off, on }) => on[figures[figure]] / off[figures[figure]]);
}

/** By the median of the pairs; where pairs disagree, how many say so. */
export function verdict(row: Pick<TuningRow, 'claimed' | 'reason'>, pairs: Measured['pairs']): string {
  const { of, from, to } = row.claimed;
  if (to === Number.POSITIVE_INFINITY && from === 0) return '—';
  const holds = (ratio: number) => ratio >= from && ratio <= to;
  const ratios = ratiosOf(pairs, of);
  const isTrue = holds(median(ratios));
  const agreeing = ratios.filter((ratio) => holds(ratio) === isTrue).length;
  const doubt = agreeing === ratios.length ? '' : ` (in ${agreeing} of ${ratios.length} pairs)`;
  if (isTrue) return `yes${doubt}`;
  return `no${doubt}${row.reason === undefined ? '' : `: ${row.reason}`}`;
}

// What the gateway's bench found, as text for a terminal and as a table for docs/performance.md.
import { toTable } from './table.ts';
import type { TwoWorkers } from './two-workers.ts';
import { heading, row } from './write-measured.ts';

export interface Figures {
  rps: number;
  p50Ms: number;
  p99Ms: number;
  cpuUsPerRequest: number;
  rssBytes: number;
}

export interface CaseResult {
  name: string;
  gateway: Figures;
  floor: Figures;
  throughputRatio: number;
  p99Ratio: number;
  cpuRatio: number;
  p50DifferenceMs: number;
  queriesPerRequest: number;
  pairs: number;
  validPairs: number;
}

export interface Summary {
  startSeconds: number;
  allocatedBytesPerRequest: number;
  /** Undefined: only one case was asked for. */
  twoWorkers: TwoWorkers | undefined;
  contextForge: { version: string; rps: number; p50Ms: number; timesFaster: number } | undefined;
  cases: CaseResult[];
}

/** Gateway / floor, where there are two. */
const headings = [
  ...['case', 'requests/s', 'ratio', 'p50 ms', 'p99 ms', 'p99 ratio', 'CPU µs', 'SQL per request', 'RSS MB'],
  'valid pairs',
];

export function toText(summary: Summary): string {
  return `${[toTable(headings, summary.cases.map(toCells)), ...toNotes(summary)].join('\n')}\n`;
}

export function toPage(summary: Summary): string[] {
  const notes = toNotes(summary).flatMap((note) => ['', note]);
  return [...heading(...headings), ...summary.cases.map((one) => row(...toCells(one))), ...notes];
}

function toCells(one: CaseResult): string[] {
  const both = (of: (figures: Figures) => number, decimals: number) =>
    `${of(one.gateway).toFixed(decimals)} / ${of(one.floor).toFixed(decimals)}`;
  return [
    one.name,
    both((figures) => figures.rps, 0),
    one.throughputRatio.toFixed(2),
    both((figures) => figures.p50Ms, 2),
    both((figures) => figures.p99Ms, 2),
    one.p99Ratio.toFixed(2),
    both((figures) => figures.cpuUsPerRequest, 1),
    one.queriesPerRequest.toFixed(4),
    (one.gateway.rssBytes / 1e6).toFixed(0),
    `${one.validPairs} of ${one.pairs}`,
  ];
}

function toNotes({ startSeconds, allocatedBytesPerRequest, twoWorkers, contextForge }: Summary): string[] {
  const notes = [
    `Start to ready on a migrated database ${startSeconds.toFixed(2)} s; ${Math.round(allocatedBytesPerRequest)} bytes allocated per tools/call.`,
  ];
  if (twoWorkers !== undefined) {
    const { oneUs, twoUs, cpuRatio, smallerShare } = twoWorkers;
    notes.push(
      `Two workers on the core of one: ${twoUs.toFixed(1)} µs of CPU per tools/call, one worker ${oneUs.toFixed(1)} µs (ratio ${cpuRatio.toFixed(2)}); the less busy worker had ${(smallerShare * 100).toFixed(0)} % of the work.`,
    );
  }
  if (contextForge !== undefined) {
    const { version, rps, p50Ms, timesFaster } = contextForge;
    notes.push(
      `ContextForge ${version}, one worker on SQLite, the same \`tools/call\`: ${rps.toFixed(0)}/s, p50 ${p50Ms.toFixed(0)} ms; the gateway does ${timesFaster.toFixed(0)} times as many.`,
    );
  }
  return notes;
}

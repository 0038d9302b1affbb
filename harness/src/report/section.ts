// The noun of a report's contents: a section holds blocks; each section is one pure function of the context.
import type { Finding } from '../analyze/rule.ts';
import type { Loop } from '../plan/plan.ts';
import type { ReportContext } from './context.ts';
import type { Table } from './table.ts';

/** A drawing beside its table. `spec` is inlined as JSON; templates/charts.js draws it. */
export interface Chart {
  kind: 'chart';
  id: string;
  title: string;
  /** What is to be seen, for those who cannot see it; the figures stand in a table of the same section. */
  label: string;
  spec: ChartSpec;
}

export type ChartSpec =
  | {
      type: 'bars';
      unit: string;
      labels: string[];
      series: { name: string; values: (number | null)[] }[];
      stacked: boolean;
    }
  | { type: 'curves'; unit: string; series: { name: string; points: [number, number][] }[] }
  | {
      type: 'timeline';
      endSeconds: number;
      phases: { start: number; end: number; loop: Loop; label: string }[];
      panels: TimelinePanel[];
    };

export interface TimelinePanel {
  id: string;
  title: string;
  unit: string;
  label: string;
  series: { name: string; points: [number, number | null][] }[];
}

export interface Heading {
  kind: 'heading';
  text: string;
}
export interface Paragraph {
  kind: 'text';
  text: string;
}
export interface FindingBlock {
  kind: 'finding';
  finding: Finding;
  scenarioTitle: string | null;
  /** What to do next; `code` is something to type. */
  steps: { text: string; code: boolean }[];
}
export interface Listing {
  kind: 'list';
  items: { term: string; text: string; code?: boolean }[];
}

export type Block = Table | Chart | Heading | Paragraph | FindingBlock | Listing;

export interface Section {
  id: string;
  title: string;
  /** One or two lines: what this shows and how a term is meant here. */
  lead: string;
  blocks: Block[];
}

/** Null when there is nothing to show and nothing missing to tell. */
export type SectionBuilder = (context: ReportContext) => Section | null;

// A table as every format understands it: HTML and Markdown render the same one.

/** What a cell or row means. Never shown by colour alone: a tone always comes with words. */
export type Tone = 'good' | 'bad' | 'warn' | 'muted';

export interface Column {
  title: string;
  unit?: string;
  /** Numbers are aligned to the right, in tabular digits. */
  number?: boolean;
  /** The cells of this column head their rows. */
  header?: boolean;
}

export interface Cell {
  text: string;
  /** A second, smaller line: an interval, a reason. */
  detail?: string;
  tone?: Tone;
  /** A status: shown as a badge with this mark before the words. */
  mark?: string;
  /** Code, SQL, log lines: monospaced, lines kept. */
  code?: boolean;
  /** Inline drawing, made by svg.ts from numbers only; formats without pictures leave it out. */
  svg?: string;
}

export interface Table {
  kind: 'table';
  /** Unique in the report: it names the scrolling region. */
  caption: string;
  note?: string;
  columns: Column[];
  rows: Cell[][];
  /** Long and secondary: folded away, with the caption as the handle. */
  folded?: boolean;
}

export function createTable(
  caption: string,
  columns: Column[],
  rows: (Cell | string)[][],
  options: { note?: string; folded?: boolean } = {},
): Table {
  return {
    kind: 'table',
    caption,
    columns,
    rows: rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell))),
    ...options,
  };
}

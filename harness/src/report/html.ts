// One self-contained HTML file: style, Chart.js, script and data are inside, and a policy in its head forbids every request.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Handlebars from 'handlebars';
import { sourceFile } from '../paths.ts';
import type { Block, Chart, ChartSpec, Section } from './section.ts';
import type { Summary } from './sections/summary.ts';
import type { Cell, Column, Table } from './table.ts';

export interface Page {
  title: string;
  /** Under the title: when, what, with which load. */
  subtitle: string;
  facts: { term: string; text: string }[];
  summary: Summary | null;
  sections: Section[];
}

/** Beyond this, names of bars that take three lines on a phone would overlap in the usual height. */
const MANY_BARS = 8;

const partials = ['section', 'table', 'chart', 'finding', 'summary'] as const;

/** Pure but for reading the templates, the style and Chart.js from this package. */
export function renderPage(page: Page): string {
  const handlebars = Handlebars.create();
  for (const name of partials) handlebars.registerPartial(name, readTemplate(`${name}.hbs`));
  const style = minifyStyle(readTemplate('report.css'));
  const specs = Object.fromEntries(page.sections.flatMap(({ blocks }) => blocks.flatMap(specOf)));
  const drawn = Object.keys(specs).length > 0;
  const scripts = drawn ? [readChartLibrary(), readTemplate('charts.js').trim()] : [];
  const view = {
    ...page,
    sections: page.sections.map((section) => ({ ...section, blocks: groupCharts(section.blocks).map(toView) })),
    policy: [
      "default-src 'none'",
      `style-src ${toSource(style)}`,
      ...(drawn ? [`script-src ${scripts.map(toSource).join(' ')}`] : []),
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    style,
    scripts,
    data: drawn ? toInlineJson(specs) : null,
  };
  return handlebars.compile(readTemplate('page.hbs'), { strict: false })(view);
}

/** JSON that cannot end its script element, whatever texts it holds. */
export function toInlineJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function specOf(block: Block): [string, ChartSpec][] {
  return block.kind === 'chart' ? [[block.id, block.spec]] : [];
}

/** What the templates need beside the block itself: its kind as a flag, and cells that know their column. */
function toView(block: Exclude<Block, Chart> | ChartGroup): Record<string, unknown> {
  const view = { ...block, [`is_${block.kind}`]: true };
  if (block.kind === 'table') return { ...view, rows: toRows(block) };
  return view;
}

interface ChartGroup {
  kind: 'chart';
  paired: boolean;
  panels: ReturnType<typeof toPanels>;
}

/** Charts that follow each other stand side by side where there is room. */
function groupCharts(blocks: Block[]): (Exclude<Block, Chart> | ChartGroup)[] {
  const grouped: (Exclude<Block, Chart> | ChartGroup)[] = [];
  for (const block of blocks) {
    const last = grouped.at(-1);
    if (block.kind !== 'chart') grouped.push(block);
    else if (last?.kind === 'chart')
      Object.assign(last, { paired: true, panels: [...last.panels, ...toPanels(block)] });
    else grouped.push({ kind: 'chart', paired: false, panels: toPanels(block) });
  }
  return grouped;
}

function toRows({ columns, rows }: Table): { cells: (Cell & Pick<Column, 'number' | 'header'>)[] }[] {
  return rows.map((cells) => ({
    cells: cells.map((cell, place) => {
      const { number, header } = columns[place] ?? {};
      return { ...cell, number: number === true, header: header === true };
    }),
  }));
}

/** One canvas per panel; the time axis has several under one title. */
function toPanels({ id, title, label, spec }: Chart) {
  if (spec.type !== 'timeline') {
    return [{ id, title, label, kind: spec.type, count: spec.type === 'bars' ? toHeight(spec.labels.length) : '' }];
  }
  return spec.panels.map((panel) => ({
    id: panel.id,
    title: panel.unit === '' ? panel.title : `${panel.title}, ${panel.unit}`,
    label: panel.label,
    kind: 'timeline',
    count: '',
  }));
}

/** The class that gives a chart room for so many bars. */
function toHeight(bars: number): string {
  return bars > MANY_BARS ? 'many' : `n${bars}`;
}

function readTemplate(name: string): string {
  return readFileSync(sourceFile(join('report/templates', name)), 'utf8');
}

/** Chart.js as it is published for script elements, without the link to its source map. */
function readChartLibrary(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('chart.js'));
  return readFileSync(join(folder, 'chart.umd.min.js'), 'utf8')
    .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '')
    .replaceAll('</script', '<\\/script')
    .trim();
}

function minifyStyle(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\n\s+/g, '\n')
    .replace(/\n+/g, '\n')
    .trim();
}

/** The hash by which the policy lets exactly this text run. */
function toSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

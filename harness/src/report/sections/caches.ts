// The gateway's own caches: how often the answer was there.
import { type CacheUse, isTold, toCacheUses } from '../../analyze/gateway-insight.ts';
import type { PrometheusArtifact } from '../../collect/prometheus.ts';
import type { ReportContext } from '../context.ts';
import { formatCount, formatNumber, NONE } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { createTable, type Table } from '../table.ts';
import { type ToldGroup, toldGroups, whyNotTold } from '../told-groups.ts';

export function cachesSection(context: ReportContext): Section {
  const groups = toldGroups(context);
  const told = groups.filter(({ artifacts }) => artifacts.some(isTold('caches')));
  const missing = whyNotTold(context, groups, 'caches');
  const blocks: Block[] = [];
  const whole = wholeTable(context, told);
  if (whole.rows.length > 0) blocks.push(whole, scenarioTable(told));
  else if (missing === null) blocks.push({ kind: 'text', text: 'No trial looked anything up in a cache.' });
  if (missing !== null) blocks.push({ kind: 'text', text: missing });
  return {
    id: 'caches',
    title: 'Caches',
    lead: 'Look-ups in the gateway’s own caches during the trials, warm-up not counted. A hit is answered from memory; each miss costs what stands behind the cache: a signature, a query, a call. Caches that were never asked are left out.',
    blocks,
  };
}

/** For the other formats; null when there is nothing to show. */
export function cacheTable(context: ReportContext): Table | null {
  const table = wholeTable(context, toldGroups(context));
  return table.rows.length === 0 ? null : table;
}

const figures = [
  { title: 'Look-ups', number: true },
  { title: 'Hits', number: true },
  { title: 'Misses', number: true },
  { title: 'Hit rate', unit: '%', number: true },
  { title: 'Entries at the end', number: true },
];

function toCells({ hits, misses, entries }: CacheUse): string[] {
  return [
    formatCount(hits + misses),
    formatCount(hits),
    formatCount(misses),
    formatNumber((100 * hits) / (hits + misses), 1),
    entries === null ? NONE : formatCount(entries),
  ];
}

function wholeTable(context: ReportContext, groups: ToldGroup[]): Table {
  const subjects = [...new Set(groups.map(({ subject }) => subject))];
  return createTable(
    'Caches over all trials',
    [{ title: 'Cache', header: true }, ...figures],
    subjects.flatMap((subject) =>
      toCacheUses(artifactsOf(groups.filter((group) => group.subject === subject))).map((use) => [
        { text: use.cache, code: true, ...(context.twoSubjects ? { detail: subject } : {}) },
        ...toCells(use),
      ]),
    ),
  );
}

/** Both loops of a scenario together: a cache does not know who asks. */
function scenarioTable(groups: ToldGroup[]): Table {
  const titles = [...new Set(groups.map(({ title }) => title))];
  return createTable(
    'Caches by scenario',
    [{ title: 'Scenario', header: true }, { title: 'Cache' }, ...figures],
    titles.flatMap((title) =>
      toCacheUses(artifactsOf(groups.filter((group) => group.title === title))).map((use) => [
        title,
        { text: use.cache, code: true },
        ...toCells(use),
      ]),
    ),
    { folded: true, note: 'Open and closed loop together.' },
  );
}

function artifactsOf(groups: ToldGroup[]): PrometheusArtifact[] {
  return groups.flatMap(({ artifacts }) => artifacts);
}

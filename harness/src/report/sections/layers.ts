// Where the time goes inside the gateway: the mean time of a request in each layer, as the gateway itself timed it.
import { type Layer, type LayerTimes, layers, toLayerTimes } from '../../analyze/gateway-insight.ts';
import type { Loop } from '../../plan/plan.ts';
import type { ReportContext } from '../context.ts';
import { toThree } from '../distribution.ts';
import { formatAdaptive, formatCount, formatPercent, NONE } from '../format.ts';
import type { Block, Chart, Section } from '../section.ts';
import { type Cell, createTable, type Table } from '../table.ts';
import { type ToldGroup, toldGroups, whyNotTold } from '../told-groups.ts';

const titles: Record<Layer, string> = {
  auth: 'auth',
  route: 'route',
  pool_wait: 'wait for the pool',
  query: 'query',
  upstream: 'upstream',
  serialize: 'serialize',
};

interface Row extends ToldGroup {
  times: LayerTimes;
}

export function layersSection(context: ReportContext): Section {
  const groups = toldGroups(context);
  const rows = toRows(groups);
  const missing = whyNotTold(context, groups, 'layers');
  const charts = context.charts ? (['open', 'closed'] as const).flatMap((loop) => toChart(rows, loop)) : [];
  const blocks: Block[] = rows.length === 0 ? [] : [...charts, toTable(rows)];
  if (missing !== null || blocks.length === 0)
    blocks.push({ kind: 'text', text: missing ?? 'Not available, because no request was timed.' });
  return {
    id: 'layers',
    title: 'Where the time goes inside the gateway',
    lead: 'Means, not percentiles: the time that the gateway itself measured in each layer over a trial, divided by all requests that it answered in it. From the head of a request to the end of its answer; the time on the network, in the generator and in a queue before the gateway is not in it. The rare slow request is in the mean as well: see the percentiles for it.',
    blocks,
  };
}

/** For the other formats; null when there is none. */
export function layerTable(context: ReportContext): Table | null {
  const rows = toRows(toldGroups(context));
  return rows.length === 0 ? null : toTable(rows);
}

function toRows(groups: ToldGroup[]): Row[] {
  return groups.flatMap((group) => {
    const times = toLayerTimes(group.artifacts);
    return times === undefined ? [] : [{ ...group, times }];
  });
}

function toTable(rows: Row[]): Table {
  return createTable(
    'Mean time of a request by layer',
    [
      { title: 'Scenario', header: true },
      { title: 'Loop' },
      { title: 'Total', unit: 'ms', number: true },
      ...layers.map((layer) => ({ title: titles[layer], unit: 'ms', number: true })),
      { title: 'Unaccounted', unit: 'ms', number: true },
      { title: 'Requests', number: true },
    ],
    rows.map(({ title, loop, times }) => {
      const most = Math.max(...Object.values(times.ms), times.unaccountedMs);
      const cell = (ms: number): Cell => ({
        text: formatMs(ms),
        ...(ms === most && times.totalMs > 0 ? { detail: `${formatPercent((100 * ms) / times.totalMs, 0)} %` } : {}),
      });
      return [
        title,
        loop,
        formatMs(times.totalMs),
        ...layers.map((layer) => cell(times.ms[layer])),
        cell(times.unaccountedMs),
        formatCount(times.requests),
      ];
    }),
    {
      note: 'The wait for the client’s body is in route. Unaccounted: the total less all layers; below 0 when the waits of one request overlapped. The largest part has its share.',
    },
  );
}

/** A layer that no request touched has no time. */
function formatMs(ms: number): string {
  if (ms === 0) return NONE;
  const text = formatAdaptive(Math.abs(ms), 3);
  return ms < 0 && Number(text) !== 0 ? `−${text}` : text;
}

function toChart(rows: Row[], loop: Loop): Chart[] {
  const drawn = rows.filter((row) => row.loop === loop);
  if (drawn.length === 0) return [];
  const parts = [
    ...layers.map((layer) => ({ name: titles[layer], of: ({ ms }: LayerTimes) => ms[layer] })),
    // A bar cannot be negative: overlap is told in the table.
    { name: 'unaccounted', of: ({ unaccountedMs }: LayerTimes) => Math.max(0, unaccountedMs) },
  ];
  return [
    {
      kind: 'chart',
      id: `layers-${loop}`,
      title: `Mean time by layer, ${loop} loop`,
      label: `Stacked bars: the mean time of a request in each layer of the gateway, ${loop} loop; the figures stand in the table below`,
      spec: {
        type: 'bars',
        unit: 'ms',
        stacked: true,
        labels: drawn.map(({ title }) => title),
        series: parts.map(({ name, of }) => ({ name, values: drawn.map(({ times }) => toThree(of(times))) })),
      },
    },
  ];
}

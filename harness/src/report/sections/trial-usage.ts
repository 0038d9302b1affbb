// What each trial took of the machine; also the table behind the time axis.
import { Value } from 'typebox/value';
import { PgActivityArtifact } from '../../collect/pg-activity.ts';
import { ProcessesArtifact } from '../../collect/processes.ts';
import type { TrialResult } from '../../result/result.ts';
import type { ReportContext } from '../context.ts';
import { formatAdaptive, formatBytes, formatClock, formatNumber, NONE } from '../format.ts';
import { tookTurns } from '../series.ts';
import { notRunBadge } from '../status.ts';
import { type Cell, createTable, type Table } from '../table.ts';

export function trialTable({ analysis, title, twoSubjects }: ReportContext): Table {
  const { trials, startedAtMs } = analysis.result;
  const inTurns = trials.some((trial) => tookTurns(analysis.result, trial));
  return createTable(
    'What each trial took',
    [
      { title: 'Trial', header: true },
      { title: 'At', unit: 'min:s', number: true },
      { title: 'Length', unit: 's', number: true },
      { title: 'Right answers', unit: '/s', number: true },
      { title: 'Gateway CPU', unit: '% of a core', number: true },
      { title: 'PostgreSQL CPU', unit: '% of a core', number: true },
      { title: 'Generator CPU', unit: '% of a core', number: true },
      { title: 'Gateway memory', number: true },
      { title: 'Connections, most', number: true },
    ],
    trials.map((trial) => {
      const round = analysis.result.plan.rounds > 1 ? `, round ${trial.round}` : '';
      const name = `${title(trial.scenario)}, ${trial.loop}${twoSubjects ? `, ${trial.subject}` : ''}${round}`;
      return trial.load === null ? notRun(name) : ranCells(trial, trial.load, name, startedAtMs);
    }),
    {
      folded: true,
      note: `CPU of the gateway and the generator: over the time under load (Length). CPU of PostgreSQL: from just before the load to just after it${inTurns ? '; where two builds took turns, for both of them' : ''}.`,
    },
  );
}

function notRun(name: string): Cell[] {
  return [{ ...notRunBadge, text: `${name}: not run` }, ...Array.from({ length: 8 }, () => ({ text: NONE }))];
}

function ranCells(
  trial: TrialResult,
  load: NonNullable<TrialResult['load']>,
  name: string,
  startedAtMs: number,
): (Cell | string)[] {
  const { usage } = trial;
  const percent = (value: number | null | undefined) => (value == null ? NONE : formatNumber(value, 0));
  return [
    name,
    trial.startedAtMs === null ? NONE : formatClock((trial.startedAtMs - startedAtMs) / 1000),
    formatAdaptive(load.durationSeconds, 1),
    formatNumber(load.durationSeconds > 0 ? load.succeeded / load.durationSeconds : 0, 0),
    percent(usage === null || load.durationSeconds === 0 ? null : (100 * usage.cpuSeconds) / load.durationSeconds),
    percent(groupCpu(trial, 'postgres')),
    percent(load.generatorCpuPercent),
    usage === null ? NONE : formatBytes(usage.rssBytes),
    percent(mostConnections(trial)),
  ];
}

function groupCpu(trial: TrialResult, group: string): number | null {
  const artifact = trial.artifacts['processes'];
  if (!artifact?.available || !Value.Check(ProcessesArtifact, artifact.data)) return null;
  return artifact.data.groups[group]?.cpuPercent ?? null;
}

function mostConnections(trial: TrialResult): number | null {
  const artifact = trial.artifacts['pg-activity'];
  if (!artifact?.available || !Value.Check(PgActivityArtifact, artifact.data)) return null;
  return artifact.data.peaks['total']?.max ?? null;
}

// The processes of the run by role: gateway, PostgreSQL with all its backends, MCP servers, load generator.
import { type Static, Type } from 'typebox';
import type { WatchedProcess } from '../infra/infrastructure.ts';
import type { Collector, CollectorContext, Column } from './collector.ts';
import {
  countDescriptors,
  type ProcessReading,
  readProcess,
  TICKS_PER_SECOND,
  withDescendants,
} from './proc/process.ts';
import { subjectsOf } from './subjects.ts';

const strict = { additionalProperties: false } as const;

export const ProcessesArtifact = Type.Object(
  {
    groups: Type.Record(
      Type.String(),
      Type.Object(
        {
          pids: Type.Array(Type.Integer(), { description: 'at the end of the trial' }),
          cpuPercent: Type.Union([Type.Number(), Type.Null()], {
            description:
              '100 = one core, over the time from just before the load to just after it, the other build’s turns included; null when the group was not there at its start',
          }),
          rssBytes: Type.Number({ description: 'PostgreSQL: shared memory counted once' }),
          descriptors: Type.Union([Type.Integer(), Type.Null()]),
          threads: Type.Integer(),
        },
        strict,
      ),
      { description: 'gateway (only the trial’s own), postgres and upstream (of all builds)' },
    ),
  },
  strict,
);
export type ProcessesArtifact = Static<typeof ProcessesArtifact>;

interface GroupReading {
  processes: ProcessReading[];
  descriptors: number | undefined;
}
interface Reading {
  atMs: number;
  groups: Map<string, GroupReading>;
}

export const processes: Collector = {
  id: 'processes',
  title: 'Processes',
  async start(context) {
    if (readProcess(process.pid) === undefined) throw new Error('this system has no /proc to read processes from');
    let last = readGroups(context);
    return {
      columns: toColumns(context),
      async sample() {
        const now = readGroups(context);
        const values: Record<string, number> = {};
        for (const [group, figures] of Object.entries(toFigures(last, now))) {
          if (figures.cpuPercent !== null) values[toName(group, 'cpu_percent')] = figures.cpuPercent;
          values[toName(group, 'rss_bytes')] = figures.rssBytes;
          values[toName(group, 'threads')] = figures.threads;
          if (figures.descriptors !== null) values[toName(group, 'descriptors')] = figures.descriptors;
        }
        last = now;
        return values;
      },
      async watchTrial(trial) {
        const before = readGroups(context);
        return async (): Promise<ProcessesArtifact> => {
          const own = groupOf(context, { role: 'gateway', subject: trial.subject, pid: 0 });
          const figures = Object.entries(toFigures(before, readGroups(context)));
          return {
            groups: Object.fromEntries(
              figures
                // The trial's own generator has ended by now; one that is still there is that of the other build's turns.
                .filter(([group]) => group === own || (!group.startsWith('gateway') && group !== 'load'))
                .map(([group, each]) => [group === own ? 'gateway' : group, each]),
            ),
          };
        };
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

function toColumns(context: CollectorContext): Column[] {
  const gateways = subjectsOf(context).map((subject) => groupOf(context, { role: 'gateway', subject, pid: 0 }));
  return [...gateways, 'postgres', 'upstream', 'load'].flatMap((group) => [
    { name: toName(group, 'cpu_percent'), unit: '%', title: `CPU of ${group}, 100 = one core` },
    { name: toName(group, 'rss_bytes'), unit: 'bytes', title: `Memory of ${group}` },
    { name: toName(group, 'descriptors'), unit: 'count', title: `Open descriptors of ${group}` },
    { name: toName(group, 'threads'), unit: 'count', title: `Threads of ${group}` },
  ]);
}

/** `gateway_cpu_percent`, or with two gateways `gateway.reference_cpu_percent`. */
const toName = (group: string, figure: string) => `${group}_${figure}`;

function groupOf(context: CollectorContext, { role, subject }: WatchedProcess): string {
  return role === 'gateway' && subject !== undefined && subjectsOf(context).length > 1 ? `gateway.${subject}` : role;
}

function readGroups(context: CollectorContext): Reading {
  const pids = new Map<string, Set<number>>();
  const add = (group: string, pid: number) => {
    const known = pids.get(group) ?? new Set();
    pids.set(group, known);
    for (const each of withDescendants(pid)) known.add(each);
  };
  for (const watched of context.infrastructure.processes()) add(groupOf(context, watched), watched.pid);
  for (const pid of context.loadPids) add('load', pid);

  const groups = new Map<string, GroupReading>();
  for (const [group, members] of pids) {
    const readings = [...members].map(readProcess).filter((reading) => reading !== undefined);
    if (readings.length === 0) continue;
    const descriptors = readings.map(({ pid }) => countDescriptors(pid)).filter((count) => count !== undefined);
    groups.set(group, {
      processes: readings,
      descriptors: descriptors.length === 0 ? undefined : descriptors.reduce((sum, count) => sum + count, 0),
    });
  }
  return { atMs: performance.now(), groups };
}

/** CPU counts a process that is new since `before` from its start. */
function toFigures(before: Reading, after: Reading): ProcessesArtifact['groups'] {
  const elapsedSeconds = (after.atMs - before.atMs) / 1000;
  const groups: ProcessesArtifact['groups'] = {};
  for (const [group, { processes: members, descriptors }] of after.groups) {
    const earlier = before.groups.get(group)?.processes;
    const ticks = members.reduce((sum, { pid, startTicks, cpuTicks }) => {
      const same = earlier?.find((other) => other.pid === pid && other.startTicks === startTicks);
      return sum + cpuTicks - (same?.cpuTicks ?? 0);
    }, 0);
    groups[group] = {
      pids: members.map(({ pid }) => pid),
      cpuPercent:
        earlier === undefined || elapsedSeconds <= 0 ? null : (100 * ticks) / TICKS_PER_SECOND / elapsedSeconds,
      rssBytes: toMemory(group, members),
      descriptors: descriptors ?? null,
      threads: members.reduce((sum, { threads }) => sum + threads, 0),
    };
  }
  return groups;
}

/** Every PostgreSQL backend maps the same shared buffers: they are counted once. */
function toMemory(group: string, members: ProcessReading[]): number {
  if (group !== 'postgres') return members.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  const own = members.reduce((sum, { rssBytes, sharedBytes }) => sum + rssBytes - sharedBytes, 0);
  return own + Math.max(0, ...members.map(({ sharedBytes }) => sharedBytes));
}

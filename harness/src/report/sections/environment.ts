// Where and with what it was measured, and the command that repeats it.
import type { ReportContext } from '../context.ts';
import { formatBytes, formatDuration, formatTime, NONE } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { createTable } from '../table.ts';

export function environmentSection({ analysis }: ReportContext): Section {
  const { result } = analysis;
  const { machine, tools, settings } = result.environment;
  const cores = (list: number[]) => (list.length === 0 ? 'not pinned' : `core ${list.join(', ')}`);
  const blocks: Block[] = [
    {
      kind: 'list',
      items: [
        { term: 'Repeat this run', text: result.command, code: true },
        { term: 'Rebuild this report', text: `npx harness analyze reports/${result.id}`, code: true },
        { term: 'Started', text: `${formatTime(result.startedAtMs)}, took ${formatDuration(result.elapsedSeconds)}` },
        {
          term: 'Plan',
          text: `load profile ${result.plan.profile}, infrastructure ${result.plan.infrastructure}, server profile ${result.plan.serverProfile}, ${result.plan.rounds} round(s), seed ${result.plan.seed}`,
        },
        {
          term: 'Pinning',
          text: `${result.pinning.note} (gateway ${cores(result.pinning.gateway)}; generator ${cores(result.pinning.load)}; PostgreSQL and MCP servers ${cores(result.pinning.others)})`,
        },
        {
          term: 'Machine',
          text: `${machine.cpuModel}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.os}, kernel ${machine.kernel}${machine.virtualization === null ? '' : `, ${machine.virtualization}`}, host ${machine.hostnameHash}`,
        },
        {
          term: 'Tools',
          text: Object.entries(tools)
            .map((entry) => entry.join(' '))
            .join(', '),
        },
      ],
    },
    createTable(
      'What was measured',
      [
        { title: 'Subject', header: true },
        { title: 'Build' },
        { title: 'Server profile' },
        { title: 'Node' },
        { title: 'PostgreSQL' },
        { title: 'Settings' },
      ],
      result.subjects.map((subject) => [
        subject.name,
        { text: subject.build, code: true },
        subject.serverProfile,
        subject.node ?? NONE,
        subject.postgres ?? NONE,
        { text: toSettings(subject.settings), code: true },
      ]),
    ),
    createTable(
      'Settings of the machine',
      [{ title: 'Setting', header: true }, { title: 'Value' }],
      Object.entries(settings).map(([name, value]) => [{ text: name, code: true }, value]),
      { folded: true },
    ),
    createTable(
      'Steps of the run',
      [
        { title: 'Step', header: true },
        { title: 'Status' },
        { title: 'Took', unit: 's', number: true },
        { title: 'Detail' },
      ],
      result.steps.map((step) => [step.name, step.status, step.seconds.toFixed(1), step.detail]),
      { folded: true },
    ),
  ];
  return {
    id: 'environment',
    title: 'Environment',
    lead: 'Figures of different machines are not comparable.',
    blocks,
  };
}

function toSettings(settings: Record<string, unknown>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
}

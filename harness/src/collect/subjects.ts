// Which gateways a collector reads, and how its columns tell them apart.
import type { RunningGateway } from '../infra/infrastructure.ts';
import type { SubjectName } from '../plan/plan.ts';
import type { CollectorContext, Column } from './collector.ts';

/** The gateways that run, by subject. */
export function subjectsOf(context: CollectorContext): SubjectName[] {
  return Object.keys(context.infrastructure.gateways) as SubjectName[];
}

/** @throws when that gateway does not run */
export function gatewayOf(context: CollectorContext, subject: SubjectName): RunningGateway {
  const gateway = context.infrastructure.gateways[subject];
  if (gateway === undefined) throw new Error(`there is no gateway '${subject}'`);
  return gateway;
}

/** Column names stay as they are with one gateway, and end in `.current` and `.reference` with two. */
export function nameFor(context: CollectorContext, subject: SubjectName, name: string): string {
  return subjectsOf(context).length > 1 ? `${name}.${subject}` : name;
}

export function columnsFor(context: CollectorContext, columns: readonly Column[]): Column[] {
  const subjects = subjectsOf(context);
  return subjects.flatMap((subject) =>
    columns.map((column) => ({
      ...column,
      name: nameFor(context, subject, column.name),
      title: subjects.length > 1 ? `${column.title} (${subject})` : column.title,
    })),
  );
}

/** One sample of every gateway, named by columnsFor; one that fails fails the sample only when no other gave values. */
export async function sampleSubjects(
  context: CollectorContext,
  read: (subject: SubjectName) => Promise<Record<string, number>>,
): Promise<Record<string, number>> {
  const all: Record<string, number> = {};
  const outcomes = await Promise.allSettled(
    subjectsOf(context).map(async (subject) => {
      for (const [name, value] of Object.entries(await read(subject))) all[nameFor(context, subject, name)] = value;
    }),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined && outcomes.every((outcome) => outcome.status === 'rejected')) throw failure.reason;
  return all;
}

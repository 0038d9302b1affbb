// Ends a process politely first and surely last.
import { type Static, Type } from 'typebox';
import { isGroupAlive, isRunning, type ProcessIdentity, sendSignal } from '../process-identity.ts';
import { waitFor } from './wait.ts';

/** Signals in order, each with the time that it is given before the next. The last should be SIGKILL. */
export const StopLadder = Type.Array(
  Type.Object(
    {
      signal: Type.Union([
        Type.Literal('SIGINT'),
        Type.Literal('SIGTERM'),
        Type.Literal('SIGQUIT'),
        Type.Literal('SIGKILL'),
      ]),
      to: Type.Union([Type.Literal('leader'), Type.Literal('group')]),
      deadlineMs: Type.Integer({ minimum: 0 }),
    },
    { additionalProperties: false },
  ),
  { minItems: 1 },
);
export type StopLadder = Static<typeof StopLadder>;

/** For servers that close their connections on SIGTERM. */
export const politeLadder: StopLadder = [
  { signal: 'SIGTERM', to: 'group', deadlineMs: 8_000 },
  { signal: 'SIGKILL', to: 'group', deadlineMs: 5_000 },
];

/**
 * Steps down the ladder until the leader and every process of its group are gone.
 * The identity is checked before each signal: a pid that was given to another process is never signalled.
 * @returns the signal that ended it; undefined when it was gone before
 * @throws Error when it outlives the whole ladder
 */
export async function stopByLadder(identity: ProcessIdentity, ladder: StopLadder): Promise<string | undefined> {
  let last: string | undefined;
  let wasLeader = false;
  for (const step of ladder) {
    const leads = isRunning(identity);
    wasLeader ||= leads;
    // Members that outlive their leader keep its number from being given away, so the group is still the one we knew.
    if (!leads && !(wasLeader && isGroupAlive(identity.pid))) return last;
    last = step.signal;
    sendSignal(step.to === 'group' || !leads ? -identity.pid : identity.pid, step.signal);
    const gone = await waitFor(
      'a process ends',
      () => (isRunning(identity) || isGroupAlive(identity.pid) ? undefined : true),
      { deadlineMs: step.deadlineMs, intervalMs: 10 },
    );
    if (gone) return last;
  }
  throw new Error(`process ${identity.pid} is still there after ${ladder.map((step) => step.signal).join(', ')}`);
}

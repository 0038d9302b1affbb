// The plan: ordered trials, decided before anything starts. Pure: the same inputs and seed give the same plan.
import { type Static, Type } from 'typebox';

export const Loop = Type.Union([Type.Literal('open'), Type.Literal('closed')]);
export type Loop = Static<typeof Loop>;

export const Engine = Type.Union([Type.Literal('k6'), Type.Literal('autocannon')]);
export type Engine = Static<typeof Engine>;

/** `current` is what is measured; `reference` is the other build of an `--against` run. */
export const SubjectName = Type.Union([Type.Literal('current'), Type.Literal('reference')]);
export type SubjectName = Static<typeof SubjectName>;

export const PlannedTrial = Type.Object(
  {
    id: Type.String({ description: 'unique in the run, a file name: tools_list.open.current.r1' }),
    scenario: Type.String(),
    loop: Loop,
    engine: Engine,
    subject: SubjectName,
    round: Type.Integer({ minimum: 1 }),
    requests: Type.Integer({ description: 'at most so many (closed), exactly so many are due (open)' }),
    concurrency: Type.Integer({
      description: 'connections (closed); preallocated virtual users or connections (open)',
    }),
    ratePerSecond: Type.Union([Type.Number(), Type.Null()], { description: 'open loop only' }),
    durationSeconds: Type.Number({ description: 'open: length of the load; closed: its limit' }),
    turnSeconds: Type.Union([Type.Number(), Type.Null()], {
      description: 'closed, two builds: loads in turns of so long with the other build’s trial beside it in the plan',
    }),
    expectedSeconds: Type.Number({ description: 'with warm-up and cool-down' }),
    note: Type.Union([Type.String(), Type.Null()], { description: 'what was shortened or left out, and why' }),
  },
  { additionalProperties: false },
);
export type PlannedTrial = Static<typeof PlannedTrial>;

export const Plan = Type.Object(
  {
    profile: Type.String(),
    infrastructure: Type.String(),
    serverProfile: Type.String(),
    engine: Type.Union([Engine, Type.Null()], {
      description: 'forced for every loop; null: closed autocannon, open k6',
    }),
    rounds: Type.Integer({ minimum: 1 }),
    seed: Type.Integer(),
    against: Type.Union([Type.String(), Type.Null()], { description: 'git reference of the other build' }),
    scenarios: Type.Array(Type.String()),
    expectedSeconds: Type.Number(),
    trials: Type.Array(PlannedTrial),
  },
  { additionalProperties: false },
);
export type Plan = Static<typeof Plan>;

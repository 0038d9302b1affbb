// What the autocannon worker is told (on its standard input) and what it answers (on its standard output).
import { type Static, Type } from 'typebox';
import { Loop } from '../plan/plan.ts';
import { LoadResult } from '../result/result.ts';
import { PreparedRequest } from './driver.ts';

export const WorkerJob = Type.Object(
  {
    loop: Loop,
    baseUrl: Type.String(),
    token: Type.String(),
    requests: Type.Union([Type.String(), Type.Array(PreparedRequest)], {
      description: 'a file of them, or themselves',
    }),
    judge: Type.Union([Type.Literal('expect'), Type.Literal('success'), Type.Literal('none')], {
      description:
        'expect: what each request expects. success: any 2xx. none: as expect, at the same cost, but every answer counts as right (ceiling)',
    }),
    ratePerSecond: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()]),
    durationSeconds: Type.Number({ exclusiveMinimum: 0, description: 'closed: ends after so long' }),
    requestLimit: Type.Integer({ minimum: 1, description: 'open: exactly so many are due. Closed: at most so many' }),
    minimumSeconds: Type.Number({ minimum: 0 }),
    turnSeconds: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], {
      description: 'closed: waits for the next go after so long. Times of the load count turns only. null: one turn',
    }),
    connections: Type.Integer({ minimum: 1, description: 'closed: used all the time. Open: opened before the load' }),
    maxConnections: Type.Integer({ minimum: 1, description: 'open: opened when all others wait for an answer' }),
    timeoutMs: Type.Number({ exclusiveMinimum: 0 }),
    rawFile: Type.Union([Type.String(), Type.Null()]),
    warmup: Type.Union([
      Type.Object({
        requestsFile: Type.String(),
        requests: Type.Integer({ minimum: 1 }),
        seconds: Type.Number({ exclusiveMinimum: 0 }),
      }),
      Type.Null(),
    ]),
  },
  { additionalProperties: false },
);
export type WorkerJob = Static<typeof WorkerJob>;

export const WorkerReport = Type.Object(
  {
    result: LoadResult,
    statusCounts: Type.Record(Type.String(), Type.Integer()),
  },
  { additionalProperties: false },
);
export type WorkerReport = Static<typeof WorkerReport>;

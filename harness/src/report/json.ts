// The analysis for other programs: every figure and judgement, without histograms and series (these stand in result.json).
import { type Static, Type } from 'typebox';
import { Comparison, Figure, Overhead, SloResult, Verdict } from '../analyze/analysis.ts';
import { Finding } from '../analyze/rule.ts';
import { Environment, RunResult, Subject } from '../result/result.ts';
import type { Reporter } from './reporter.ts';

export const JsonReport = Type.Object(
  {
    schemaVersion: Type.Literal(1),
    run: Type.Object({
      id: RunResult.properties.id,
      startedAtMs: RunResult.properties.startedAtMs,
      elapsedSeconds: RunResult.properties.elapsedSeconds,
      status: RunResult.properties.status,
      failure: RunResult.properties.failure,
      command: RunResult.properties.command,
      profile: Type.String(),
      infrastructure: Type.String(),
      rounds: Type.Integer(),
      seed: Type.Integer(),
    }),
    verdict: Verdict,
    scenarios: Type.Array(Type.Object({ id: Type.String(), title: Type.String(), category: Type.String() })),
    figures: Type.Array(Figure),
    slos: Type.Array(SloResult),
    overheads: Type.Array(Overhead),
    comparison: Type.Union([Comparison, Type.Null()]),
    findings: Type.Array(Finding),
    trials: Type.Array(
      Type.Object({
        id: Type.String(),
        status: Type.String(),
        reason: Type.Union([Type.String(), Type.Null()]),
        validity: Type.Union([Type.String(), Type.Null()]),
        failedChecks: Type.Array(Type.String()),
      }),
    ),
    subjects: Type.Array(Subject),
    environment: Environment,
  },
  { additionalProperties: false },
);
export type JsonReport = Static<typeof JsonReport>;

export const json: Reporter = {
  id: 'json',
  extension: 'json',
  render(analysis) {
    const { result, scenarios, figures, slos, overheads, comparison, findings, verdict } = analysis;
    const report: JsonReport = {
      schemaVersion: 1,
      run: {
        id: result.id,
        startedAtMs: result.startedAtMs,
        elapsedSeconds: result.elapsedSeconds,
        status: result.status,
        failure: result.failure,
        command: result.command,
        profile: result.plan.profile,
        infrastructure: result.plan.infrastructure,
        rounds: result.plan.rounds,
        seed: result.plan.seed,
      },
      verdict,
      scenarios: scenarios.map(({ id, title, category }) => ({ id, title, category })),
      figures,
      slos,
      overheads,
      comparison,
      findings,
      trials: result.trials.map((trial) => ({
        id: trial.id,
        status: trial.status,
        reason: trial.reason,
        validity: trial.validity?.verdict ?? null,
        failedChecks: (trial.validity?.checks ?? []).filter((check) => !check.passed).map((check) => check.id),
      })),
      subjects: result.subjects,
      environment: result.environment,
    };
    return `${JSON.stringify(report, null, 1)}\n`;
  },
};

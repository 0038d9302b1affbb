// RunResult: everything that a run learned, in one JSON (`result.json`). Reports, findings, comparisons and the verdict are pure functions of it.
import { type Static, type TSchema, Type } from 'typebox';
import { Loop, Plan, SubjectName } from '../plan/plan.ts';

const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const strict = { additionalProperties: false } as const;

/** Latency of correct answers. Open loop: from the intended start. Closed loop: from the send (service time). */
export const Latency = Type.Object(
  {
    histogram: Type.String({
      description: 'HDR histogram of microseconds, 3 significant digits, V2 compressed, base64',
    }),
    count: Type.Integer({ description: 'samples in the histogram' }),
    lost: Type.Integer({
      description: 'time-outs, broken connections and dropped iterations: they stand in the tail, above every sample',
    }),
  },
  strict,
);
export type Latency = Static<typeof Latency>;

export const ErrorCount = Type.Object(
  {
    kind: Type.Enum(['status', 'body', 'timeout', 'connection', 'dropped']),
    request: Type.String({ description: 'name of the request template' }),
    detail: Type.String({ description: 'the status, or which check failed' }),
    count: Type.Integer(),
    example: Nullable(Type.String({ description: 'the first such answer, shortened, tokens removed' })),
  },
  strict,
);
export type ErrorCount = Static<typeof ErrorCount>;

/** What a load driver reports of one trial. */
export const LoadResult = Type.Object(
  {
    engine: Type.String({ description: 'k6 1.8.1, autocannon 9.0.0' }),
    startedAtMs: Type.Number({ description: 'epoch milliseconds of the first intended start' }),
    durationSeconds: Type.Number({ description: 'first send to last answer' }),
    offeredRate: Nullable(Type.Number({ description: 'open loop: requests per second that were due' })),
    achievedRate: Type.Number({ description: 'requests per second that were sent' }),
    sent: Type.Integer(),
    succeeded: Type.Integer({ description: 'answers whose status and body are as expected' }),
    failed: Type.Integer({ description: 'all others, dropped iterations included' }),
    errors: Type.Array(ErrorCount),
    latency: Latency,
    scheduleLagMs: Nullable(
      Type.Object(
        { p50: Type.Number(), p99: Type.Number(), max: Type.Number() },
        { ...strict, description: 'open loop: actual minus intended send' },
      ),
    ),
    connectionsOpened: Nullable(Type.Integer({ description: 'TCP connections; requests ÷ this is the reuse' })),
    bytesReceived: Nullable(Type.Integer()),
    generatorCpuPercent: Nullable(Type.Number({ description: 'CPU of the generator’s process, 100 = one core' })),
    perSecond: Type.Array(
      Type.Object(
        {
          second: Type.Integer(),
          succeeded: Type.Integer(),
          failed: Type.Integer(),
          p50Ms: Nullable(Type.Number()),
          p95Ms: Nullable(Type.Number()),
        },
        strict,
      ),
      { description: 'by second of the trial, for the time axis' },
    ),
    rawFiles: Type.Array(Type.String(), { description: 'names in the run folder' }),
  },
  strict,
);
export type LoadResult = Static<typeof LoadResult>;

/** CPU, memory and time of the gateway's processes over exactly the load. */
export const Usage = Type.Object(
  {
    cpuSeconds: Type.Number({ description: 'all threads of all processes of the gateway' }),
    cpuSource: Type.String({
      description: 'schedstat (nanoseconds), stat (10 ms ticks), or metrics (process_cpu_seconds_total of the target)',
    }),
    rssBytes: Type.Number({ description: 'at the end' }),
    stealPercent: Nullable(Type.Number({ description: 'of the machine’s CPU time' })),
  },
  strict,
);
export type Usage = Static<typeof Usage>;

export const Validity = Type.Object(
  {
    verdict: Type.Union([Type.Literal('valid'), Type.Literal('invalid')]),
    checks: Type.Array(
      Type.Object(
        {
          id: Type.String({
            description:
              'offered-rate, schedule-lag, generator-ceiling, steal, warm-up, wrong-answers, connection-reuse, generator-cpu',
          }),
          passed: Type.Boolean(),
          fatal: Type.Boolean({ description: 'a failed fatal check makes the trial invalid; the others are warnings' }),
          seen: Type.String(),
          expected: Type.String(),
        },
        strict,
      ),
    ),
  },
  strict,
);
export type Validity = Static<typeof Validity>;

/** What a collector saw during one trial. `data` has the shape that the collector documents. */
export const Artifact = Type.Union([
  Type.Object(
    {
      available: Type.Literal(true),
      costMs: Type.Number({ description: 'time the collector took during the trial' }),
      data: Type.Unknown(),
    },
    strict,
  ),
  Type.Object({ available: Type.Literal(false), reason: Type.String() }, strict),
]);
export type Artifact = Static<typeof Artifact>;

export const TrialResult = Type.Object(
  {
    id: Type.String({ description: 'of the planned trial' }),
    scenario: Type.String(),
    loop: Loop,
    subject: SubjectName,
    round: Type.Integer(),
    status: Type.Union([Type.Literal('ran'), Type.Literal('not-run')]),
    reason: Nullable(Type.String({ description: 'why it did not run' })),
    startedAtMs: Nullable(Type.Number()),
    endedAtMs: Nullable(Type.Number()),
    warmup: Nullable(
      Type.Object(
        {
          requests: Type.Integer(),
          seconds: Type.Number(),
          steady: Type.Boolean({ description: 'the medians of the last two windows differ by less than 10 %' }),
          driftPercent: Type.Number(),
        },
        strict,
      ),
    ),
    ceiling: Nullable(
      Type.Object(
        { requestsPerSecond: Type.Number(), responseBytes: Type.Integer() },
        {
          ...strict,
          description:
            'closed loop: the generator against a trivial server that answers with this scenario’s own answer',
        },
      ),
    ),
    load: Nullable(LoadResult),
    usage: Nullable(Usage),
    validity: Nullable(Validity),
    artifacts: Type.Record(Type.String(), Artifact, { description: 'by collector id' }),
  },
  strict,
);
export type TrialResult = Static<typeof TrialResult>;

/** One build in one configuration: the thing that is measured. */
export const Subject = Type.Object(
  {
    name: SubjectName,
    build: Type.String({
      description: 'git commit, "+changes" when the tree is dirty, or what the target’s /version says',
    }),
    serverProfile: Type.String(),
    settings: Type.Record(Type.String(), Type.Unknown(), {
      description: 'what its server profile and the run set; for a target, what it tells. Secrets removed',
    }),
    node: Nullable(Type.String()),
    postgres: Nullable(Type.String()),
    url: Type.String(),
  },
  strict,
);
export type Subject = Static<typeof Subject>;

export const Environment = Type.Object(
  {
    machine: Type.Object(
      {
        cpuModel: Type.String(),
        cores: Type.Integer(),
        memoryBytes: Type.Number(),
        kernel: Type.String(),
        os: Type.String(),
        hostnameHash: Type.String(),
        virtualization: Nullable(Type.String()),
      },
      strict,
    ),
    tools: Type.Record(Type.String(), Type.String(), {
      description: 'node, k6, autocannon, postgres, harness → version',
    }),
    settings: Type.Record(Type.String(), Type.String(), {
      description: 'sysctls, ulimits and the like, with the advised value where ours is lower',
    }),
    advice: Type.Array(Type.String(), { description: 'what of this machine can disturb the measurement' }),
  },
  strict,
);
export type Environment = Static<typeof Environment>;

export const Step = Type.Object(
  {
    name: Type.String(),
    startedAtMs: Type.Number(),
    seconds: Type.Number(),
    status: Type.Union([Type.Literal('done'), Type.Literal('failed'), Type.Literal('interrupted')]),
    detail: Type.String(),
  },
  strict,
);
export type Step = Static<typeof Step>;

/** Samples of all collectors on one clock. `columns[0]` is `t`, epoch milliseconds; a missing value is null. */
export const Series = Type.Object(
  {
    columns: Type.Array(
      Type.Object(
        {
          id: Type.String({ description: 'collector.name: host.cpu_percent' }),
          unit: Type.String(),
          title: Type.String(),
        },
        strict,
      ),
    ),
    rows: Type.Array(Type.Array(Nullable(Type.Number()))),
  },
  strict,
);
export type Series = Static<typeof Series>;

export const RunResult = Type.Object(
  {
    schemaVersion: Type.Literal(1),
    id: Type.String({ description: 'name of the run folder: results_medium_20261120_134500' }),
    startedAtMs: Type.Number(),
    elapsedSeconds: Type.Number(),
    status: Type.Union([Type.Literal('complete'), Type.Literal('interrupted'), Type.Literal('failed')]),
    failure: Nullable(Type.Object({ code: Type.String(), message: Type.String() }, strict)),
    command: Type.String({ description: 'what repeats this run' }),
    plan: Plan,
    config: Type.Unknown({ description: 'PerfConfig as resolved' }),
    scenarios: Type.Unknown({ description: 'Scenario[] as resolved, SLO overrides applied' }),
    subjects: Type.Array(Subject),
    environment: Environment,
    pinning: Type.Object(
      {
        pinned: Type.Boolean(),
        gateway: Type.Array(Type.Integer()),
        load: Type.Array(Type.Integer()),
        others: Type.Array(Type.Integer()),
        note: Type.String(),
      },
      { ...strict, description: 'cores of the gateway, of the generator, and of PostgreSQL and the upstream servers' },
    ),
    steps: Type.Array(Step),
    trials: Type.Array(TrialResult),
    series: Series,
    collectors: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          title: Type.String(),
          available: Type.Boolean(),
          reason: Nullable(Type.String()),
          cpuMs: Type.Number(),
          samples: Type.Integer(),
        },
        strict,
      ),
    ),
  },
  strict,
);
/** `config` and `scenarios` are parsed again with their own schemas where they are used. */
export type RunResult = Static<typeof RunResult>;

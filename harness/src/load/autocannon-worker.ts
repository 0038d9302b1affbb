// The process of the autocannon driver: reads its job from standard input, loads, writes its report to standard output.
// It starts once per trial, and loading the schemas would triple its start: what the harness writes to it is taken as it is.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import autocannon from 'autocannon';
import { redact } from '../redact.ts';
import { createChecker } from './check-answer.ts';
import { type RunningLoop, startClosedLoop } from './closed-loop.ts';
import type { PreparedRequest } from './driver.ts';
import { READY_LINE } from './generator-process.ts';
import { type Answer, type AutocannonClient, Lane } from './lane.ts';
import { startOpenLoop } from './open-loop.ts';
import { RAW_HEADER, toRawLine } from './raw-samples.ts';
import { type Sample, Tally } from './tally.ts';
import { toWire } from './wire-request.ts';
import type { WorkerJob, WorkerReport } from './worker-job.ts';

/** Time-outs are found by a sweep so often: a retimer per request would cost more than the requests. */
const SWEEP_MS = 10;

/** Longer than any load: autocannon's own limits must not end it. */
const NEVER_SECONDS = 86_400;

function readRequests(source: WorkerJob['requests']): PreparedRequest[] {
  const list: PreparedRequest[] = typeof source === 'string' ? JSON.parse(readFileSync(source, 'utf8')) : source;
  if (list.length === 0) throw new Error(`${typeof source === 'string' ? source : 'the job'} holds no request`);
  return list;
}

/** What is sent and what came of it: the warm-up has one of its own, which is thrown away. */
function preparePhase(job: WorkerJob, source: WorkerJob['requests']) {
  const requests = readRequests(source);
  const baseUrl = new URL(job.baseUrl);
  return {
    requests,
    check: createChecker(requests, job.judge === 'none'),
    wire: requests.map((request) => toWire(request, baseUrl, job.token)),
    tally: new Tally(),
    raw: [RAW_HEADER],
    statusCounts: {} as Record<string, number>,
  };
}

function run(job: WorkerJob, waitForGo: (then: () => void) => void, report: (report: WorkerReport) => void): void {
  const load = preparePhase(job, job.requests);
  let phase = job.warmup === null ? load : preparePhase(job, job.warmup.requestsFile);
  const busy = new Set<Lane>();
  const lanes: Lane[] = [];
  const open = job.loop === 'open' && job.ratePerSecond !== null;
  let loop: RunningLoop | undefined;
  let startMs = performance.now();
  let startedAtMs = Date.now();
  let openedBefore = 0;
  let cpuBefore = process.cpuUsage();
  let lastMs = startMs;
  let lastSentMs = startMs;

  const judge = (answer: Answer): Pick<Sample, 'outcome' | 'detail'> => {
    if (answer.lost !== null) return { outcome: answer.lost.kind, detail: answer.lost.detail };
    if (job.judge === 'success') {
      return answer.status >= 200 && answer.status < 300
        ? { outcome: 'ok', detail: '' }
        : { outcome: 'status', detail: String(answer.status) };
    }
    const fault = phase.check(answer.requestIndex, answer.status, answer.body);
    if (fault === null || job.judge === 'none') return { outcome: 'ok', detail: '' };
    return { outcome: fault.kind, detail: fault.detail };
  };

  const onAnswer = (lane: Lane, answer: Answer): void => {
    busy.delete(lane);
    const judged = judge(answer);
    const fromMs = open ? answer.intendedMs : answer.sentMs;
    const wrong = judged.outcome === 'status' || judged.outcome === 'body';
    const sample: Sample = {
      request: (phase.requests[answer.requestIndex] as PreparedRequest).name,
      startMs: fromMs - startMs,
      lagMs: open ? Math.max(0, answer.sentMs - answer.intendedMs) : null,
      latencyMs: answer.lost === null ? answer.endMs - fromMs : null,
      status: answer.status,
      bytes: answer.bytes,
      example: wrong ? redact(answer.body.subarray(0, 2000).toString('utf8'), job.token) : '',
      ...judged,
    };
    const { tally, raw, statusCounts } = phase;
    if (job.rawFile !== null) raw.push(toRawLine(tally.completed, sample));
    tally.add(sample);
    if (answer.status > 0) statusCounts[answer.status] = (statusCounts[answer.status] ?? 0) + 1;
    lastMs = Math.max(lastMs, answer.endMs);
    lastSentMs = Math.max(lastSentMs, answer.sentMs);
    loop?.answered(lane, answer);
  };

  /** Closed loop in turns: time spent loading so far. */
  let loadedMs = 0;
  const openedNow = (): number => lanes.reduce((sum, lane) => sum + lane.opened, 0);
  const begin = (atMs: number): void => {
    startMs = atMs;
    lastMs = atMs;
    lastSentMs = atMs;
    startedAtMs = Date.now() + (atMs - performance.now());
    openedBefore = openedNow();
    cpuBefore = process.cpuUsage();
  };

  const finish = (): void => {
    const cpu = process.cpuUsage(cpuBefore);
    const { tally, raw, statusCounts } = load;
    // One turn ends with its last answer; several add up what each took from its beginning until the loop stopped.
    const inTurns = !open && job.turnSeconds !== null;
    const durationSeconds = Math.max(0.001, (inTurns ? loadedMs : lastMs - startMs) / 1000);
    // Open: the last slot stands for one more period, so that a load sent on time achieves exactly what was offered.
    const sendSeconds =
      open && job.ratePerSecond !== null
        ? Math.max(job.requestLimit / job.ratePerSecond, (lastSentMs - startMs) / 1000 + 1 / job.ratePerSecond)
        : durationSeconds;
    if (job.rawFile !== null) writeFileSync(job.rawFile, `${raw.join('\n')}\n`);
    const result = tally.result({
      engine: `autocannon ${autocannonVersion()}`,
      startedAtMs,
      durationSeconds,
      offeredRate: open ? job.ratePerSecond : null,
      achievedRate: tally.completed / sendSeconds,
      dropped: 0,
      scheduleKnown: true,
      connectionsOpened: openedNow() - openedBefore,
      generatorCpuPercent: (cpu.user + cpu.system) / 1e4 / durationSeconds,
      rawFiles: [],
    });
    report({ result, statusCounts });
  };

  autocannon(
    {
      url: job.baseUrl,
      connections: open ? job.maxConnections : job.connections,
      duration: NEVER_SECONDS,
      timeout: NEVER_SECONDS,
      setupClient: (client) => {
        const lane = new Lane(client as unknown as AutocannonClient, onAnswer);
        const send = lane.send.bind(lane);
        lane.send = (bytes, index, intendedMs) => {
          busy.add(lane);
          send(bytes, index, intendedMs);
        };
        lanes.push(lane);
      },
    },
    (error: unknown) => fail(error),
  );
  // autocannon makes all its clients before it returns; none of them has connected yet.
  const context = { lanes, wire: load.wire, onDone: finish };
  const start = (): void => {
    phase = load;
    if (open && job.ratePerSecond !== null) {
      const rate = { ratePerSecond: job.ratePerSecond, slots: job.requestLimit, preopened: job.connections };
      loop = startOpenLoop(context, rate, begin, fail);
    } else {
      begin(performance.now());
      takeTurn(0);
    }
  };
  /** Loads until its turn or the whole load is over, and then waits until it is told to go on. */
  const takeTurn = (sent: number): void => {
    const turnStartMs = performance.now();
    const left = job.durationSeconds - loadedMs / 1000;
    const limits = {
      requestLimit: job.requestLimit,
      minimumSeconds: job.minimumSeconds - loadedMs / 1000,
      durationSeconds: Math.min(left, job.turnSeconds ?? left),
      firstRequest: sent,
    };
    const onDone = (sentNow: number, stoppedMs: number): void => {
      // By the clock that stopped the turn: the last answer of a dead target is earlier, and the rest would never be over.
      loadedMs += stoppedMs - turnStartMs;
      const loaded = loadedMs / 1000;
      const enough = sentNow >= job.requestLimit && loaded >= job.minimumSeconds;
      if (job.turnSeconds === null || enough || loaded >= job.durationSeconds) finish();
      else waitForGo(() => takeTurn(sentNow));
    };
    loop = startClosedLoop({ ...context, onDone }, limits);
  };
  if (job.warmup === null) waitForGo(start);
  else {
    const { requests, seconds } = job.warmup;
    const limits = { requestLimit: requests, minimumSeconds: 0, durationSeconds: seconds, firstRequest: 0 };
    loop = startClosedLoop({ lanes, wire: phase.wire, onDone: () => waitForGo(start) }, limits);
  }
  setInterval(() => {
    const limitMs = performance.now() - job.timeoutMs;
    // A Set keeps its order: the oldest request is first.
    for (const lane of busy) {
      if (lane.sentMs > limitMs) break;
      lane.abandon('timeout', `no answer within ${job.timeoutMs} ms`);
    }
  }, SWEEP_MS);
}

function autocannonVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)('autocannon/package.json');
  return manifest.version;
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}

process.stdin.setEncoding('utf8');
let input = '';
/** The first line is the job, each further one says go. */
let onLine = (line: string): void => {
  const waitForGo = (then: () => void): void => {
    onLine = () => then();
    process.stdout.write(READY_LINE);
  };
  run(JSON.parse(line) as WorkerJob, waitForGo, (report) => {
    // The sockets that are still open end with the process.
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  });
};
process.stdin.on('data', (text: string) => {
  input += text;
  const end = input.indexOf('\n');
  if (end < 0) return;
  const line = input.slice(0, end);
  input = input.slice(end + 1);
  try {
    onLine(line);
  } catch (error) {
    fail(error);
  }
});
// The harness is gone: nobody wants this load any more.
process.stdin.on('end', () => process.exit(1));

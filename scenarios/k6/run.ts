// The one k6 script: sends a prepared list of requests at a constant arrival rate and prints one line per request.
// Driven by harness/src/load/k6.ts through the environment; nothing here knows a scenario.

import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http, { type RefinedResponse, type ResponseType } from 'k6/http';
import type { Options, Scenario } from 'k6/options';
import { checkAnswer, type Expect } from './answer.ts';

interface PreparedRequest {
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  auth: boolean;
  body: string | null;
  rpcId: number | null;
  expect: Expect;
}

declare const console: { log(line: string): void };

/** With `--log-format raw` and a file as its output, k6's log is the cheapest way out for samples. */
function emit(line: string): void {
  console.log(line);
}

function setting(name: string): string {
  const value = __ENV[`GATEBENCH_${name}`];
  if (value === undefined) throw new Error(`GATEBENCH_${name} is not set: harness/src/load/k6.ts runs this script`);
  return value;
}

const baseUrl = setting('BASE_URL').replace(/\/$/, '');
const token = setting('TOKEN');
const durationMs = Number(setting('DURATION_MS'));
/** Requests that are due; k6's shortest scenario takes a second, so there may be iterations without one. */
const due = Number(setting('DUE'));
const virtualUsers = Number(setting('VUS'));
/** 0: no connection is opened beforehand. */
const connectMs = Number(setting('CONNECT_MS'));
const timeoutMs = Number(setting('TIMEOUT_MS'));
/** k6 starts every iteration so much before its request is due: see harness/src/load/k6.ts. */
const leadMs = Number(setting('LEAD_MS'));
const periodMs = Number(setting('PERIOD_MS'));
/** So many iterations send nothing: the first ones find everything cold. */
const leadIn = Number(setting('LEAD_IN'));
const originMs = leadIn * periodMs + leadMs;

const requests = new SharedArray('requests', () => JSON.parse(open(setting('REQUESTS_FILE'))) as PreparedRequest[]);

const connecting: Scenario = {
  executor: 'per-vu-iterations',
  exec: 'connect',
  vus: virtualUsers,
  iterations: 1,
  maxDuration: `${connectMs}ms`,
  gracefulStop: '0s',
};

export const options: Options = {
  scenarios: {
    // Every virtual user opens its connection before the load: it is not the first requests' latency. k6 gives the
    // second scenario the same virtual users, because the first has ended.
    ...(connectMs > 0 && { connect: connecting }),
    load: {
      executor: 'constant-arrival-rate',
      exec: 'load',
      startTime: `${connectMs}ms`,
      // k6 takes whole rates: requests per 1000 s.
      rate: Number(setting('RATE_PER_1000_S')),
      timeUnit: '1000s',
      duration: `${durationMs}ms`,
      preAllocatedVUs: virtualUsers,
      gracefulStop: `${timeoutMs + 1000}ms`,
    },
  },
  systemTags: [],
  summaryTrendStats: ['count'],
  userAgent: 'gatebench',
  maxRedirects: 0,
};

// k6 would warn about every status that it does not expect; what is expected is checked below.
http.setResponseCallback(http.expectedStatuses({ min: 100, max: 599 }));

/** Spread over the time, so that the target's listen queue does not overflow. */
export function connect(): void {
  sleep((((exec.vu.idInTest - 1) / virtualUsers) * (connectMs - 700)) / 1000);
  http.get(`${baseUrl}/health`, { timeout: 250 });
}

/** k6's error codes: https://grafana.com/docs/k6/latest/javascript-api/error-codes/ */
const REQUEST_TIMEOUT = 1050;

export function load(): void {
  const iteration = exec.scenario.iterationInTest - leadIn;
  if (iteration >= due) return;
  // The clock with fractions of a millisecond: Date.now() has none.
  const dueMs = iteration * periodMs + originMs;
  let nowMs = exec.scenario.progress * durationMs;
  while (nowMs < dueMs) nowMs = exec.scenario.progress * durationMs;
  if (iteration < 0) return;
  const request = requests[iteration % requests.length];
  if (request === undefined) throw new Error('the list of requests is empty');
  const headers = request.auth ? { ...request.headers, authorization: `Bearer ${token}` } : request.headers;
  const url = baseUrl + request.path;
  const params = { headers, timeout: timeoutMs };
  const sentMs = exec.scenario.progress * durationMs - originMs;
  const response = http.request(request.method, url, request.body, params);
  print(iteration, sentMs, request, response);
}

/** `S iteration sent served status opened outcome [what was wrong, as JSON]`: read by harness/src/load/k6-samples.ts. */
function print(
  iteration: number,
  sentMs: number,
  request: PreparedRequest,
  response: RefinedResponse<ResponseType>,
): void {
  if (iteration === 0) emit(`T ${exec.scenario.startTime + Math.round(originMs)}`);
  const { timings } = response;
  // blocked runs from asking for a connection to having it, so connecting and TLS are within it: not added again.
  const servedMs = timings.blocked + timings.sending + timings.waiting + timings.receiving;
  const line = `S ${iteration} ${sentMs.toFixed(3)} ${servedMs.toFixed(3)} ${response.status} ${timings.connecting > 0 ? 1 : 0}`;
  if (response.status === 0) {
    const outcome = response.error_code === REQUEST_TIMEOUT ? 'timeout' : 'connection';
    emit(`${line} ${outcome} ${JSON.stringify({ detail: response.error, example: '' })}`);
    return;
  }
  const body = typeof response.body === 'string' ? response.body : '';
  const fault = checkAnswer(response, request.expect, request.rpcId);
  if (fault === null) emit(`${line} ok`);
  else emit(`${line} ${fault.kind} ${JSON.stringify({ detail: fault.detail, example: toExample(body) })}`);
}

/** Without the token: the log lies in the run folder, and a killed run leaves it there. */
function toExample(body: string): string {
  const begin = body.slice(0, 2000);
  return token === '' ? begin : begin.split(token).join('[token]');
}

interface Summary {
  metrics: Record<string, { values: Record<string, number> } | undefined>;
}

export function handleSummary(data: Summary): Record<string, string> {
  const count = (name: string): number => data.metrics[name]?.values['count'] ?? 0;
  const summary = { dropped: count('dropped_iterations'), bytesReceived: count('data_received') };
  return { [setting('SUMMARY_FILE')]: JSON.stringify(summary) };
}

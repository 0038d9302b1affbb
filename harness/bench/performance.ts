// Writes what the gateway and the harness cost in one run into docs/performance.md:
//   npx tsc -b && node harness/dist/bench/performance.js reports/results_medium_…
import { statSync } from 'node:fs';
import { heading, row, writeMeasured } from '@gatebench/gateway/write-measured';
import { analyze } from '../src/analyze/index.ts';
import { type MetricId, metricOf } from '../src/metrics.ts';
import { readResult } from '../src/result/run-folder.ts';

const [runFolder] = process.argv.slice(2);
if (runFolder === undefined)
  throw new Error('which run? node harness/dist/bench/performance.js reports/results_medium_…');
const { result, folder } = readResult(runFolder);
const { scenarios, figures, overheads, verdict } = analyze(result);
const { machine, tools } = result.environment;

function cell(scenario: string, metric: MetricId): string {
  const figure = figures.find((each) => each.scenario === scenario && each.metric === metric);
  if (figure?.value === undefined || figure.value === null) return '–';
  const decimals = metric === 'cpu.per_request' ? 3 : metricOf(metric, 'docs/performance.md').decimals;
  const text = figure.value.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return figure.valid ? text : `${text} (invalid)`;
}

const trials = result.trials.filter((trial) => trial.validity !== null);
const valid = trials.filter((trial) => trial.validity?.verdict === 'valid').length;
writeMeasured('docs/performance.md', 'harness/bench/performance.ts', [
  `\`${result.command}\`, run ${result.id}: ${machine.cpuModel}, ${machine.cores} cores, ${machine.os}, Node ${tools['node']}, PostgreSQL ${tools['postgres']}. ` +
    `${valid} of ${trials.length} trials valid, verdict ${verdict.status}, ${Math.round(result.elapsedSeconds)} s. ` +
    'Closed loop: requests/s and CPU time per request of the gateway; open loop at a fixed rate: latency in ms from the intended start. ' +
    '(invalid): the reason stands in the report, for a throughput mostly that the generator was near its own limit, so it is a lower bound.',
  '',
  ...heading('scenario', 'requests/s', 'CPU ms per request', 'rate /s', 'p50', 'p95', 'p99'),
  ...scenarios.map((scenario) => {
    const open = result.plan.trials.find((trial) => trial.scenario === scenario.id && trial.loop === 'open');
    return row(
      scenario.title,
      cell(scenario.id, 'throughput'),
      scenario.target === 'upstream' ? 'not the gateway' : cell(scenario.id, 'cpu.per_request'),
      open?.ratePerSecond ?? '–',
      cell(scenario.id, 'latency.p50'),
      cell(scenario.id, 'latency.p95'),
      cell(scenario.id, 'latency.p99'),
    );
  }),
  '',
  ...heading('overhead of the gateway', 'through it, ms', 'directly, ms', 'difference, ms (95 % interval)'),
  ...overheads.flatMap(({ scenario, rows }) =>
    rows.map(({ metric, gatewayMs, directMs, differenceMs, interval }) =>
      row(
        `${scenarios.find((each) => each.id === scenario)?.title ?? scenario}, ${metric}`,
        ...[gatewayMs, directMs].map((value) => value?.toFixed(2) ?? '–'),
        `${differenceMs?.toFixed(2) ?? '–'}${interval === null ? '' : ` (${interval.map((end) => end.toFixed(2)).join(' to ')})`}`,
      ),
    ),
  ),
]);

const seconds = (step: string) => result.steps.find(({ name }) => name === step)?.seconds.toFixed(1) ?? 'not known';
const ticks = Math.max(...result.collectors.map(({ samples }) => samples));
const collecting = result.collectors.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / ticks;
const lags = result.trials.flatMap(({ load, validity }) =>
  validity?.verdict === 'valid' && load?.scheduleLagMs ? [load.scheduleLagMs.p99] : [],
);
writeMeasured('docs/performance.md', 'harness/bench/performance.ts, the harness', [
  ...heading('what', 'figure'),
  row(`the whole run, ${trials.length} trials`, `${Math.round(result.elapsedSeconds)} s`),
  row(`infrastructure up (PostgreSQL, MCP servers, gateway)`, `${seconds('infrastructure')} s`),
  row('upstreams and virtual server registered', `${seconds('register upstreams and virtual server')} s`),
  row(`${result.collectors.length} collectors, CPU time of a tick`, `${collecting.toFixed(1)} ms`),
  row(
    'schedule lag of the open loop, p99, over the valid trials',
    `${Math.min(...lags).toFixed(2)} to ${Math.max(...lags).toFixed(2)} ms`,
  ),
  row('the report', `${(statSync(folder.reportFile).size / 1e6).toFixed(1)} MB`),
]);

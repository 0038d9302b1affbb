// `harness baseline list|show NAME`: what is kept to compare with.
import type { Command } from 'commander';
import { readFigures } from '../analyze/figures.ts';
import { scenariosOf } from '../analyze/scenarios-of.ts';
import { HarnessError } from '../errors.ts';
import { listBaselines, readBaseline } from '../gate/baselines.ts';
import { formatFigure } from '../metrics.ts';
import type { RunResult } from '../result/result.ts';
import { layTable } from './lay-table.ts';

export function addBaselineCommand(program: Command): void {
  const baseline = program
    .command('baseline')
    .description('kept runs to compare with')
    .exitOverride()
    .addHelpText(
      'after',
      '\nExamples:\n  npx harness baseline list\n  npx harness baseline show main\n  npm run perf -- -p light --baseline main    keeps one',
    );
  baseline
    .command('list')
    .description('name them')
    .exitOverride()
    .option('--json', 'one JSON object')
    .action((options: { json?: boolean }) => listCommand(options.json === true));
  baseline
    .command('show')
    .argument('<name>', 'name in baselines/, or a run folder')
    .description('its machine, build and figures')
    .exitOverride()
    .option('--json', 'one JSON object')
    .action((name: string, options: { json?: boolean }) => showCommand(name, options.json === true));
}

/** A damaged baseline is listed with its fault: the others are wanted all the same. */
function listCommand(json: boolean): void {
  const rows = listBaselines().map((name) => {
    try {
      return { name, ...describe(readBaseline(name)) };
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      return { name, fault: error.message };
    }
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ baselines: rows })}\n`);
    return;
  }
  if (rows.length === 0) {
    process.stdout.write('There are no baselines yet: `npm run perf -- -p light --baseline main` keeps one.\n');
    return;
  }
  const lines = rows.map((row) =>
    'fault' in row
      ? [row.name, row.fault.split('\n')[0] ?? '', '', '', '']
      : [row.name, row.keptAt, row.profile, `${row.rounds} rounds`, `${row.build} on ${row.machine}`],
  );
  process.stdout.write(`${layTable(['name', 'measured', 'profile', 'rounds', 'build'], lines)}\n`);
}

function describe(result: RunResult): {
  keptAt: string;
  profile: string;
  rounds: number;
  build: string;
  machine: string;
} {
  const { machine } = result.environment;
  return {
    keptAt: new Date(result.startedAtMs).toISOString().slice(0, 16).replace('T', ' '),
    profile: result.plan.profile,
    rounds: result.plan.rounds,
    build: result.subjects[0]?.build ?? 'unknown',
    machine: `${machine.cores} × ${machine.cpuModel}`,
  };
}

function showCommand(name: string, json: boolean): void {
  const result = readBaseline(name);
  const figures = readFigures(result, scenariosOf(result)).filter((figure) => figure.subject === 'current');
  if (json) {
    process.stdout.write(`${JSON.stringify({ name, ...describe(result), figures })}\n`);
    return;
  }
  const about = describe(result);
  const rows = figures.map((figure) => [
    figure.scenario,
    figure.metric,
    figure.value === null ? 'among the lost samples' : formatFigure(figure.metric, figure.value),
    figure.interval === null
      ? ''
      : figure.interval.map((end) => (end === null ? '…' : formatFigure(figure.metric, end))).join(' – '),
    `${figure.samples} in ${figure.rounds} rounds`,
    figure.valid ? '' : `not valid: ${figure.reason}`,
  ]);
  process.stdout.write(
    `${name}: ${about.profile}, ${about.rounds} rounds, build ${about.build}, ${about.keptAt} UTC, ${about.machine}\n\n` +
      `${layTable(['scenario', 'metric', 'value', '95 % interval', 'samples', ''], rows)}\n`,
  );
}

// `harness list`: every scenario and profile there is.
import type { Command } from 'commander';
import { formatFigure, metricOf } from '../metrics.ts';
import {
  folders,
  idsIn,
  readInfrastructureProfile,
  readLoadProfile,
  readPostgresProfile,
  readScenarios,
  readServerProfile,
} from '../plan/read.ts';

export function addListCommand(program: Command): void {
  program
    .command('list')
    .description('name every scenario and profile')
    .addHelpText('after', '\nExample:\n  npx harness list')
    .action(() => {
      printScenarios();
      printProfiles('Load profiles (--profile)', folders.loadProfiles, (id) => readLoadProfile(id).description);
      printProfiles(
        'Infrastructure profiles (--infrastructure)',
        folders.infrastructure,
        (id) => readInfrastructureProfile(id).description,
      );
      printProfiles(
        'Server profiles (--server-profile)',
        folders.serverProfiles,
        (id) => readServerProfile(id).description,
      );
      printProfiles(
        'PostgreSQL profiles (named by infrastructure profiles)',
        folders.postgresProfiles,
        (id) => readPostgresProfile(id).description,
      );
    });
}

export function printScenarios(): void {
  const lines = readScenarios().map((scenario) => {
    const loops = [scenario.load.open ? 'open' : '', scenario.load.closed ? 'closed' : ''].filter(Boolean).join('+');
    const slos = Object.entries(scenario.slos).map(([id, target]) => {
      const sign = metricOf(id, scenario.id).better === 'lower' ? (target === 0 ? '=' : '<') : '≥';
      return `${id} ${sign} ${formatFigure(id, target)}`;
    });
    return `  ${scenario.id.padEnd(28)} ${loops.padEnd(12)} ${scenario.title}${slos.length > 0 ? `\n  ${''.padEnd(41)} ${slos.join(', ')}` : ''}`;
  });
  process.stdout.write(`Scenarios (--scenario)\n${lines.join('\n')}\n`);
}

function printProfiles(title: string, folder: string, describe: (id: string) => string): void {
  const lines = idsIn(folder).map((id) => `  ${id.padEnd(28)} ${describe(id)}`);
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`);
}

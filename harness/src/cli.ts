// Arguments → command → exit code, nothing else.
import { Command, CommanderError } from 'commander';
import { addAnalyzeCommand } from './commands/analyze.ts';
import { addBaselineCommand } from './commands/baseline.ts';
import { addBenchmarkServersCommand } from './commands/benchmark-servers.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addFetchK6Command } from './commands/fetch-k6.ts';
import { addGenerateCommand } from './commands/generate.ts';
import { addHitCommand } from './commands/hit.ts';
import { addListCommand } from './commands/list.ts';
import { addRunCommand } from './commands/run.ts';
import { errors, HarnessError } from './errors.ts';
import { version } from './version.ts';

const program = new Command('harness')
  .description('Gatebench: measures, profiles and guards Model Context Protocol gateways')
  .version(version)
  .showHelpAfterError('(add --help to see the options with examples)')
  .exitOverride();

addRunCommand(program);
addListCommand(program);
addAnalyzeCommand(program);
addCompareCommand(program);
addBaselineCommand(program);
addHitCommand(program);
addBenchmarkServersCommand(program);
addFetchK6Command(program);
addGenerateCommand(program);
// exitOverride is not inherited by commands that exist already.
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof HarnessError) {
    process.stderr.write(`${error.message}\nHint: ${error.hint}\n`);
    process.exitCode = error.exitCode;
  } else {
    // A defect of ours: its stack is wanted. Not Node's own exit code 1, which says "slower".
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = errors.INTERNAL.exitCode;
  }
}

// The process of the benchmark servers: one JSON line on stdout when all listen; SIGINT or SIGTERM stops it, exit code 0.
import { Command, CommanderError } from 'commander';
import { HarnessError } from '../errors.ts';
import { parseServersOptions } from './options.ts';
import { addServersOptions } from './server-options.ts';
import { type ListeningEvent, type RunningServers, startServers } from './servers.ts';

function reportFailure(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
}

function stopOnSignal(running: RunningServers): void {
  let stopping = false;
  const onSignal = () => {
    // The second signal is for who does not want to wait.
    if (stopping) process.exit(130);
    stopping = true;
    void running.stop().then(() => process.exit(0));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

const command = addServersOptions(new Command('benchmark-servers'), 0)
  .description('Runs the benchmark MCP servers in the foreground.')
  .exitOverride()
  .action(async (given: unknown) => {
    const running = await startServers(parseServersOptions(given), reportFailure);
    stopOnSignal(running);
    const event: ListeningEvent = { event: 'listening', pid: process.pid, servers: running.servers };
    process.stdout.write(`${JSON.stringify(event)}\n`);
  });

try {
  await command.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof HarnessError) {
    process.stderr.write(`${error.message}\nHint: ${error.hint}\n`);
    process.exitCode = error.exitCode;
  } else throw error;
}

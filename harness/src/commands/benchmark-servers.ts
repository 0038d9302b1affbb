// `harness benchmark-servers up|down|status|logs`: the benchmark MCP servers by hand, on fixed ports, in the background.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { HarnessError } from '../errors.ts';
import { cacheFolder } from '../paths.ts';
import { parseServersOptions } from '../upstream/options.ts';
import { addServersOptions } from '../upstream/server-options.ts';
import { findStack, type StackState, startStack, stopStack, toLogFile } from '../upstream/stack.ts';

const defaultStartPort = 9000;
const notRunning = 'The benchmark servers do not run. Start them: npm run benchmark-servers -- up\n';

interface FolderOption {
  folder: string;
}

export function addBenchmarkServersCommand(program: Command): void {
  const command = program
    .command('benchmark-servers')
    .description('run the benchmark MCP servers in the background, on fixed ports')
    .addHelpText('after', '\nExample:\n  npm run benchmark-servers -- up --count 50 --start-port 9000 --tools 100');
  const withFolder = (child: Command) =>
    child.addOption(
      new Option('--folder <path>', 'where state and log lie').default(
        join(cacheFolder, 'benchmark-servers'),
        '.cache/benchmark-servers',
      ),
    );

  withFolder(addServersOptions(command.command('up'), defaultStartPort))
    .description('start them, and wait until all listen')
    .addHelpText(
      'after',
      `
Examples:
  npm run benchmark-servers -- up
  npm run benchmark-servers -- up --count 50 --start-port 9000 --tools 100
  BENCHMARK_SERVER_COUNT=100 npm run benchmark-servers -- up --no-fast-time
The first server gets the start port, the others follow; the fast time server comes after the last.`,
    )
    .action(async (given: FolderOption & Record<string, unknown>) => {
      const { folder, ...options } = given;
      const state = await startStack(folder, parseServersOptions(options));
      process.stdout.write(`${toTable(state.servers.map(({ name, url }) => [name, `${url}/mcp`, `${url}/sse`]))}`);
      process.stdout.write(`${state.servers.length} servers listen, pid ${state.pid}, log ${toLogFile(folder)}\n`);
    });

  withFolder(command.command('down'))
    .description('stop them')
    .addHelpText('after', '\nExample:\n  npm run benchmark-servers -- down')
    .action(async ({ folder }: FolderOption) => {
      const stopped = await stopStack(folder);
      process.stdout.write(
        stopped === undefined ? notRunning : `Stopped ${stopped.servers.length} servers, pid ${stopped.pid}.\n`,
      );
    });

  withFolder(command.command('status'))
    .description('ask each for its health; exit code 3 when they do not run or one is not healthy')
    .addHelpText('after', '\nExample:\n  npm run benchmark-servers -- status')
    .action(async ({ folder }: FolderOption) => {
      const state = findStack(folder);
      if (state === undefined) {
        process.stdout.write(notRunning);
        process.exitCode = 3;
      } else if (!(await printStatus(state))) process.exitCode = 3;
    });

  withFolder(command.command('logs'))
    .description('print what they wrote')
    .option('-f, --follow', 'go on until they stop, or Ctrl-C', false)
    .addHelpText('after', '\nExample:\n  npm run benchmark-servers -- logs --follow')
    .action(async ({ folder, follow }: FolderOption & { follow: boolean }) => {
      const file = toLogFile(folder);
      if (!existsSync(file)) {
        throw new HarnessError('USAGE', { detail: `there is no log ${file}`, hint: 'start the servers first: up' });
      }
      let printed = await print(file, 0);
      while (follow && findStack(folder) !== undefined) {
        await sleep(200);
        printed = await print(file, printed);
      }
    });
}

/** Prints a file from an offset on; returns the offset of what is still to come. */
async function print(file: string, start: number): Promise<number> {
  const { size } = statSync(file);
  // A new `up` starts the log anew.
  if (size < start) return print(file, 0);
  if (size > start) await pipeline(createReadStream(file, { start, end: size - 1 }), process.stdout, { end: false });
  return size;
}

/** True when every server is healthy. */
async function printStatus(state: StackState): Promise<boolean> {
  const healths = await Promise.all(state.servers.map(({ url }) => askHealth(url)));
  process.stdout.write(toTable(state.servers.map(({ name, url }, index) => [name, url, healths[index] ?? ''])));
  const seconds = Math.round((Date.now() - Date.parse(state.startedAt)) / 1000);
  process.stdout.write(`pid ${state.pid}, up ${seconds} s, since ${state.startedAt}\n`);
  return healths.every((health) => health === 'healthy');
}

async function askHealth(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
    const text = await response.text();
    return response.ok && text === '{"status":"healthy"}'
      ? 'healthy'
      : `answers ${response.status} ${text.slice(0, 80)}`;
  } catch (error) {
    return `does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Columns padded to their widest cell. */
function toTable(rows: string[][]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

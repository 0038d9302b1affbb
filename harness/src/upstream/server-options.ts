// The options of the benchmark servers on a command line: the same for the process and for `benchmark-servers up`.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TInteger } from 'typebox';
import { ServersOptions } from './options.ts';

const { properties } = ServersOptions;

/** Adds `--count`, `--start-port`, …; ranges are checked by `parseServersOptions`. */
export function addServersOptions(command: Command, defaultStartPort: number): Command {
  return command
    .addOption(integer('--count <number>', properties.count).env('BENCHMARK_SERVER_COUNT'))
    .addOption(
      integer('--start-port <number>', properties.startPort).env('BENCHMARK_START_PORT').default(defaultStartPort),
    )
    .addOption(integer('--tools <number>', properties.tools))
    .addOption(integer('--resources <number>', properties.resources))
    .addOption(integer('--prompts <number>', properties.prompts))
    .addOption(integer('--page-size <number>', properties.pageSize))
    .addOption(integer('--body-limit-bytes <number>', properties.bodyLimitBytes))
    .addOption(new Option('--no-fast-time', 'do not start the fast time server'));
}

function integer(flags: string, schema: TInteger): Option {
  const description = 'description' in schema ? String(schema.description) : '';
  const option = new Option(flags, description).argParser((text: string) => {
    if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
    return Number(text);
  });
  return 'default' in schema ? option.default(schema.default) : option;
}

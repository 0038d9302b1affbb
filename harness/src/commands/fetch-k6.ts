// `harness fetch-k6`: finds or fetches k6 before a run needs it, for images and CI.
import type { Command } from 'commander';
import { findK6 } from '../load/find-k6.ts';

export function addFetchK6Command(program: Command): void {
  program
    .command('fetch-k6')
    .description('find k6, or fetch it into .cache/')
    .addHelpText('after', '\nExample:\n  npx harness fetch-k6')
    .action(async () => {
      const k6 = await findK6((line) => process.stderr.write(`${line}\n`), new AbortController().signal);
      process.stdout.write(`k6 ${k6.version}\n`);
    });
}

// `node gateway/dist/bench/run-soak.js [minutes, default 60]`: the soak on a PostgreSQL of its own; exit code 1 when something grew.
import { startEchoUpstream } from '../test/e2e/echo-upstream-process.ts';
import { startPostgres } from '../test/postgres.ts';
import { growthOf, soak } from './soak.ts';
import { toTable } from './table.ts';

const minutes = Number(process.argv[2] ?? 60);
await using postgres = await startPostgres();
await using upstream = await startEchoUpstream();
const result = await soak(await postgres.createDatabase('soak'), upstream.url, minutes);
const rows = result.samples
  .filter((_, at) => at % Math.ceil(result.samples.length / 20) === 0)
  .map((one) => [
    ...[one.atSeconds, one.requests].map(String),
    ...[one.heapUsedBytes, one.rssBytes].map((bytes) => (bytes / 1e6).toFixed(2)),
    ...[one.handles, one.descriptors, one.databaseConnections].map(String),
  ]);
process.stdout.write(
  `${toTable(['s', 'requests', 'heap MB', 'RSS MB', 'handles', 'descriptors', 'connections'], rows)}\n`,
);
process.stdout.write(`without load, after the warm-up and at the end: ${JSON.stringify(result.quiet)}\n`);
const growth = growthOf(result);
process.stdout.write(`${result.requests} requests, ${result.failures} failures ${result.firstFailure ?? ''}\n`);
process.stdout.write(growth.length === 0 ? 'nothing grew\n' : `${growth.join('\n')}\n`);
if (growth.length > 0 || result.failures > 0) process.exitCode = 1;

// `harness hit`: one request, many times (hey's role), on the autocannon driver.
import { appendFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parse } from '@gatebench/gateway/parse';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { HarnessError } from '../errors.ts';
import { runAutocannon } from '../load/autocannon.ts';
import { HIT_METHODS, HitOptions, parseDuration, parseTarget, toHitJob } from '../load/hit-job.ts';
import { toPlan, toSummary } from '../load/hit-summary.ts';
import type { WorkerJob, WorkerReport } from '../load/worker-job.ts';
import { redact } from '../redact.ts';

interface Given {
  url?: string;
  n: number;
  c: number;
  z?: number;
  q?: number;
  t: number;
  method?: string;
  m?: string;
  T?: string;
  H: string[];
  d?: string;
  D?: string;
  dryRun?: true;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function count(text: string): number {
  const value = positive(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

export function addHitCommand(program: Command): void {
  program
    .command('hit')
    .description('send one request many times and say what came back')
    .argument('[url]', 'where to send it; the same as -u')
    .option('-u, --url <url>', 'where to send it')
    .addOption(new Option('-n <count>', 'requests in all').argParser(count).default(200))
    .addOption(new Option('-c <count>', 'connections').argParser(count).default(50))
    .addOption(new Option('-z <duration>', 'run so long (10s, 5m) instead of -n requests').argParser(parseDuration))
    .addOption(new Option('-q <rate>', 'requests per second in all: an open loop').argParser(positive))
    .addOption(new Option('-t <seconds>', 'time-out of a request').argParser(positive).default(20))
    .option('-X, --method <method>', `one of ${HIT_METHODS.join(', ')} (default: GET)`)
    .option('-m <method>', 'the same as -X')
    .option('-T <type>', 'content type of the body')
    .addOption(
      new Option('-H <header>', "'Name: value'; may be given again")
        .argParser((value: string, before: string[]) => [...before, value])
        .default([], 'none'),
    )
    .option('-d <file>', 'file that holds the body')
    .option('-D <file>', 'the same as -d')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .addHelpText(
      'after',
      `
Examples:
  npm run hit -- -n 10000 -c 200 -X POST -T application/json -H 'Authorization: Bearer …' -d body.json -u http://127.0.0.1:4444/rpc
  npm run hit -- -z 10s -q 500 -u http://127.0.0.1:4444/health
Exit code: 0 all answers are 2xx, 1 some are not, 2 bad usage, 3 the target is down. Everything is also written to hit-<time>.log.`,
    )
    .action(async (positional: string | undefined, given: Given) => {
      process.exitCode = await hit(toOptions(positional, given), given.dryRun === true);
    });
}

/** @throws USAGE when two names of one option say different things */
function toOptions(positional: string | undefined, given: Given): HitOptions {
  const one = (name: string, first: string | undefined, second: string | undefined): string | undefined => {
    if (first !== undefined && second !== undefined && first !== second) {
      throw new HarnessError('USAGE', { detail: `${name} is given twice: '${first}' and '${second}'` });
    }
    return first ?? second;
  };
  const url = one('the URL', given.url, positional);
  if (url === undefined) throw new HarnessError('USAGE', { detail: 'no URL is given', hint: 'add -u URL' });
  return parse(
    HitOptions,
    {
      url,
      requests: given.n,
      connections: given.c,
      durationSeconds: given.z ?? null,
      ratePerSecond: given.q ?? null,
      timeoutSeconds: given.t,
      method: one('the method (-X, -m)', given.method, given.m),
      contentType: given.T ?? null,
      headers: given.H,
      bodyFile: one('the body (-d, -D)', given.d, given.D) ?? null,
    },
    'hit',
  );
}

async function hit(options: HitOptions, dryRun: boolean): Promise<number> {
  const job = toHitJob(options);
  if (dryRun) {
    process.stdout.write(`${toPlan(job)}\nNothing was sent (--dry-run).\n`);
    return 0;
  }
  const logFile = `hit-${toTimestamp(new Date())}.log`;
  const say = (text: string): void => {
    process.stdout.write(text);
    appendFileSync(logFile, redact(text, '', Number.POSITIVE_INFINITY));
  };
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    await assertUp(options.url);
    const report = await runAutocannon(job, [], controller.signal);
    say(toSummary(job, report));
    process.stderr.write(`Log: ${logFile}\n`);
    return toExitCode(job, report);
  } catch (error) {
    if (error instanceof HarnessError) appendFileSync(logFile, `${toPlan(job)}\n${redact(error.message, '', 2000)}\n`);
    throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** @throws TARGET_DOWN when nothing at all was answered because no connection held */
function toExitCode(job: WorkerJob, { result, statusCounts }: WorkerReport): number {
  const answered = Object.keys(statusCounts).length > 0;
  const broken = result.errors.every((error) => String(error.kind) === 'connection');
  if (!answered && broken) {
    throw new HarnessError('TARGET_DOWN', {
      detail: `${job.baseUrl} closed every connection`,
      hint: 'start it, or correct -u',
    });
  }
  return result.failed === 0 ? 0 : 1;
}

/** One connection, before ten thousand are tried. @throws TARGET_DOWN */
async function assertUp(text: string): Promise<void> {
  const url = parseTarget(text);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port, timeout: 5000 });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
      socket.once('timeout', () => reject(new Error('no connection within 5 s')));
    });
  } catch (cause) {
    const detail = `${url.origin}: ${(cause as Error).message}`;
    throw new HarnessError('TARGET_DOWN', { detail, cause, hint: 'start it, or correct -u' });
  } finally {
    socket.destroy();
  }
}

/** Local time: 20261120_134500. */
function toTimestamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

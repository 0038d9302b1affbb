// `npm run bench:tuning`: what each setting gains or costs here, beside what the source documents claim. Two gateways that differ
// in the settings of the row alone, on core 0; load, upstream, collector and PostgreSQL on core 1; short blocks that take turns.
// A whole run writes docs/tuning.md. Rows: tuning-rows.ts.
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startPostgres } from '../test/postgres.ts';
import { startRedis } from '../test/redis.ts';
import { LOAD_CORE, median, moveToCore, startLoad, startPrinting } from './rig.ts';
import { type Arm, type Bed, makeBed, startCollector } from './tuning-arms.ts';
import { type Block, type Measured, type NotMeasured, ratiosOf, type Told, toTableLines } from './tuning-page.ts';
import { rowsWithoutSetting, type TuningRow, tuningRows } from './tuning-rows.ts';
import { describeMachine, writeMeasured } from './write-measured.ts';

const run = promisify(execFile);

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '0.7' },
    rounds: { type: 'string', default: '4' },
    note: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const wanted = options.only?.split(',').map((name) => name.trim());

/** Measured by benches of their own, which are run for it. */
const others: Record<string, (bed: Bed) => Promise<Told[]>> = { DATABASE: measureBulk, JSON: measureJson };
const names = [...tuningRows.map(({ name }) => name), ...Object.keys(others)];
const unknown = wanted?.filter((name) => !names.includes(name)) ?? [];
if (options.help || unknown.length > 0 || !(seconds > 0) || !(rounds > 0)) {
  const usage = `usage: npm run bench:tuning -- [--only NAME,…] [--seconds 0.7] [--rounds 4] [--note TEXT] [--json]
  --only   these rows alone, printed; without it all rows are written to docs/tuning.md
  --note   said at the head of the table, such as "measured while other work ran"
  --json   print every pair
  names: ${names.join(', ')}\n`;
  process[options.help ? 'stdout' : 'stderr'].write(usage);
  process.exit(options.help ? 0 : 2);
}
const isWanted = (name: string) => wanted === undefined || wanted.includes(name);

const machine = describeMachine();
await moveToCore(LOAD_CORE, process.pid);
using load = startLoad();

async function measureBlock(arm: Arm): Promise<Block & { requests: number }> {
  const before = await arm.cpuSeconds();
  const { requests, p50Ms, answerBytes, seconds: took } = await load(arm.job);
  const cpuUsPerRequest = (((await arm.cpuSeconds()) - before) / requests) * 1e6;
  return { cpuUsPerRequest, p50Ms, requestsPerSecond: requests / took, bytes: answerBytes, requests };
}

async function measureRow(bed: Bed, row: TuningRow): Promise<Measured> {
  const arms = await bed.startArms(row, seconds);
  const requests = { off: 0, on: 0 };
  const pairs: Measured['pairs'] = [];
  const block = async (side: 'off' | 'on') => {
    const { requests: count, ...figures } = await measureBlock(arms[side]);
    requests[side] += count;
    return figures;
  };
  try {
    // To warm up: what is compiled or cached at first use is so in both.
    for (const side of ['off', 'on'] as const) {
      requests[side] += (await load({ ...arms[side].job, seconds: Math.max(0.7, seconds) })).requests;
    }
    for (let round = 0; round < rounds; round += 1) {
      // Which one begins alternates: what drifts hits both.
      if (round % 2 === 0) {
        const off = await block('off');
        pairs.push({ off, on: await block('on') });
      } else {
        const on = await block('on');
        pairs.push({ off: await block('off'), on });
      }
    }
  } finally {
    const [off, on] = [await arms.off.stop(), await arms.on.stop()];
    requests.off = off / requests.off;
    requests.on = on / requests.on;
  }
  return { row, pairs, transactionsPerRequest: requests };
}

/** Runs the bench; its last line is JSON. */
async function lastLine(script: string, environment: Record<string, string>): Promise<unknown> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, script)], {
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

async function measureBulk(bed: Bed): Promise<Told[]> {
  const { inserts, batch } = (await lastLine('bulk-insert.js', { DATABASE_URL: await bed.createDatabase('bulk') })) as {
    inserts: { rows: number; valuesMs: number; copyMs: number }[];
    batch: { queries: number; inTurnMs: number; pipelinedMs: number };
  };
  const at = (rows: number) => inserts.find((one) => one.rows === rows);
  const times = (rows: number) => (at(rows)?.valuesMs ?? 0) / (at(rows)?.copyMs ?? 1);
  const gain = batch.inTurnMs / batch.pipelinedMs;
  return [
    {
      what: 'COPY [`DATABASE`]',
      claim: '5–10 × faster for 1000 rows and more, slower below 100',
      section: 'Guide §5',
      told: inserts
        .map(({ rows, valuesMs, copyMs }) => `${rows} rows ${valuesMs.toFixed(2)} → ${copyMs.toFixed(2)} ms`)
        .join(', '),
      holds:
        times(1000) >= 5 ? 'yes' : `no: ${times(1000).toFixed(1)} × at 1000 rows, beside one insert of many values`,
      advice: 'no setting: the gateway takes COPY where it is faster',
    },
    {
      what: 'pipelining [`DATABASE`]',
      claim: 'batches 2–5 × faster',
      section: 'Guide §5',
      told: `${batch.queries} queries ${batch.inTurnMs.toFixed(2)} → ${batch.pipelinedMs.toFixed(2)} ms over loopback`,
      holds:
        gain >= 2 ? 'yes' : `no: ${gain.toFixed(1)} ×; what is saved are round trips, which cost little over loopback`,
      advice: 'no setting: used unless a pooler stands before PostgreSQL (`DB_POOLER`)',
    },
  ];
}

async function measureJson(): Promise<Told[]> {
  const { cases } = (await lastLine('json.js', {})) as {
    cases: { items: number; micros: { stringify: number; compiled: number; spliced: number } }[];
  };
  const best = Math.max(...cases.map(({ micros }) => micros.stringify / micros.compiled));
  return [
    {
      what: 'compiled serializers, for orjson [`JSON`]',
      claim: '2–3 × faster (3–5 × elsewhere)',
      section: 'Guide §7',
      told: cases
        .map(({ items, micros }) => {
          const [plain, compiled, spliced] = [micros.stringify, micros.compiled, micros.spliced].map((us) =>
            us.toFixed(1),
          );
          return `${items} tools: ${plain} µs → ${compiled} compiled, ${spliced} spliced`;
        })
        .join('; '),
      holds:
        best >= 2
          ? 'yes'
          : `no: at most ${best.toFixed(1)} ×; JSON.stringify is compiled code already. What helps is not to serialize: lists are kept as text (spliced)`,
      advice: 'no setting',
    },
  ];
}

const startedAt = performance.now();
const hasRedis = isWanted('CACHE_TYPE') && spawnSync('redis-server', ['--version']).status === 0;
const all: (Measured | NotMeasured | Told)[] = [];
{
  await using redis = hasRedis ? await startRedis() : undefined;
  await using postgres = await startPostgres();
  await using upstream = await startPrinting('echo-upstream.js');
  using collector = await startCollector();
  const parts = { postgres, upstreamUrl: upstream.line, collectorUrl: collector.url, redisUrl: redis?.url };
  await using bed = await makeBed(parts);
  for (const row of tuningRows.filter(({ name }) => isWanted(name))) {
    process.stderr.write(`${row.name} …\n`);
    try {
      if (row.name === 'CACHE_TYPE' && !hasRedis) all.push({ row, because: 'redis-server is not installed' });
      else all.push(await measureRow(bed, row));
    } catch (error) {
      process.exitCode = 1;
      const because = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      process.stderr.write(`${row.name}: ${error instanceof Error ? error.message : because}\n`);
      all.push({ row, because });
    }
  }
  for (const [name, measure] of Object.entries(others)) if (isWanted(name)) all.push(...(await measure(bed)));
}
if (wanted === undefined) for (const row of rowsWithoutSetting) all.push({ ...row, holds: '—', advice: 'nothing' });

const minutes = Math.ceil((performance.now() - startedAt) / 60_000);
const head =
  `${options.note === undefined ? '' : `**${options.note}.** `}${machine}; ${new Date().toISOString().slice(0, 10)}; ` +
  `${rounds} pairs of blocks of ${seconds} s per row, medians, in brackets the lowest and highest pair; \`npm run bench:tuning\`, ${minutes} minutes.`;
const lines = [head, '', ...toTableLines(all)];
if (wanted === undefined) writeMeasured('docs/tuning.md', 'gateway/bench/tuning.ts', lines);
if (options.json) {
  const rows = all.map((one) => ('pairs' in one ? { ...one, cpuRatio: median(ratiosOf(one.pairs, 'cpu')) } : one));
  process.stdout.write(`${JSON.stringify({ seconds, rounds, rows }, null, 2)}\n`);
} else process.stdout.write(`${lines.join('\n')}\n`);

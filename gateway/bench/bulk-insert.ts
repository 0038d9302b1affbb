// Milliseconds for 10 to 10,000 rows, by one statement with many values and by COPY: where COPY_FROM_ROWS comes from;
// and for a batch of queries, each after the answer to the one before and all at once (pipelining). The last line is JSON.
// `DATABASE_URL=postgresql://… node gateway/dist/bench/bulk-insert.js` on an empty database of its own.
import type { Kysely } from 'kysely';
import pg from 'pg';
import { loadConfig } from '../src/config.ts';
import { insertByCopy, insertByValues } from '../src/store/bulk-insert.ts';
import { openStore } from '../src/store/store.ts';
import type { Database } from '../src/store/tables.ts';

const ROUNDS = 7;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const config = loadConfig({ ...process.env, AUTH_REQUIRED: 'false' });

function toRows(count: number) {
  return Array.from({ length: count }, (_, at) => ({ id: `id-${at}`, name: `name-${at}`, description: 'some text' }));
}

/** The median of all rounds. */
async function measure(empty: () => Promise<unknown>, insert: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await empty();
    const startMs = performance.now();
    await insert();
    all.push(performance.now() - startMs);
  }
  return all.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
}

await using store = await openStore(config, quiet);
const client = new pg.Client({ connectionString: config.DATABASE_URL });
await client.connect();
const empty = () => store.query((db) => db.deleteFrom('servers').execute());
process.stdout.write('rows    values ms   COPY ms\n');
const inserts: { rows: number; valuesMs: number; copyMs: number }[] = [];
for (const count of [10, 100, 1000, 10_000]) {
  const rows = toRows(count);
  const values = await measure(empty, () => store.query((db) => insertByValues(db, 'servers', rows)));
  const copy = await measure(empty, () => insertByCopy(client, 'servers', rows));
  inserts.push({ rows: count, valuesMs: values, copyMs: copy });
  process.stdout.write(
    `${String(count).padStart(6)} ${values.toFixed(2).padStart(10)} ${copy.toFixed(2).padStart(9)}\n`,
  );
}
await empty();

const QUERIES = 10;
const one = (db: Kysely<Database>) => db.selectFrom('servers').select('id').limit(1);
const inTurn = await measure(empty, () =>
  store.query(async (db) => {
    for (let at = 0; at < QUERIES; at += 1) await one(db).execute();
  }),
);
const atOnce = await measure(empty, () => store.batch((db) => Array.from({ length: QUERIES }, () => one(db))));
process.stdout.write(`${QUERIES} queries in turn ${inTurn.toFixed(2)} ms, pipelined ${atOnce.toFixed(2)} ms\n`);
const batch = { queries: QUERIES, inTurnMs: inTurn, pipelinedMs: atOnce };
process.stdout.write(`${JSON.stringify({ inserts, batch })}\n`);
await client.end();

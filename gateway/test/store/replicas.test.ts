import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { expect, it } from 'vitest';
import type { Connection } from '../../src/store/connection.ts';
import { lagOf, parseLogPosition, Replicas } from '../../src/store/replicas.ts';
import { openStore } from '../../src/store/store.ts';
import type { Database } from '../../src/store/tables.ts';
import { configOf } from '../config-of.ts';

it('reads positions in the log as PostgreSQL writes them', () => {
  expect(parseLogPosition('0/0')).toBe(0n);
  expect(parseLogPosition('16/B374D848')).toBe(0x16b374d848n);
  expect(parseLogPosition('1/0') > parseLogPosition('0/FFFFFFFF')).toBe(true);
});

it('says how long ago the primary was where the replica is now', () => {
  const samples = [10n, 20n, 20n, 30n].map((position, at) => ({ position, atMs: at * 1000 }));
  expect(lagOf(samples, 30n)).toBe(0);
  expect(lagOf(samples, 99n)).toBe(0);
  expect(lagOf(samples, 20n)).toBe(1000);
  expect(lagOf(samples, 19n)).toBe(3000);
  expect(lagOf(samples, 9n)).toBe(Number.POSITIVE_INFINITY);
  expect(lagOf([], 9n)).toBe(0);
});

it('refuses replicas beside SQLite', async () => {
  const config = configOf({ DATABASE_URL: 'sqlite://', DATABASE_REPLICA_URLS: 'postgresql://127.0.0.1/x' });
  await expect(openStore(config, console)).rejects.toThrow('SQLite has no replicas');
});

/** Answers every statement with where its log is. */
function connectionAt(position: () => string): Connection {
  class Driver extends DummyDriver {
    override async acquireConnection() {
      const connection = await super.acquireConnection();
      connection.executeQuery = async <R>() => ({ rows: [{ at: position() } as R] });
      return connection;
    }
  }
  const db = new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new Driver(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  return {
    db,
    ping: async () => undefined,
    batch: undefined,
    copy: undefined,
    pool: () => ({ size: 1, active: 0, idle: 1, waiting: 0, overflow: 0 }),
    resized: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

it('leaves out a replica that lags more than DATABASE_REPLICA_MAX_LAG, until it has caught up', async () => {
  let [written, replayed] = ['0/10', '0/10'];
  const limits = { DATABASE_REPLICA_MAX_LAG: 5, DATABASE_REPLICA_READ_YOUR_WRITES: 0 };
  const replica = connectionAt(() => replayed);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  await using all = new Replicas({ primary: connectionAt(() => written), replicas: [replica], limits, log });
  await all.check();
  written = '0/20';
  await new Promise((resolve) => setTimeout(resolve, 30));
  await all.check();
  expect(all.pick()).toBe(replica);
  limits.DATABASE_REPLICA_MAX_LAG = 0.01;
  await all.check();
  expect(all.pick()).toBeUndefined();
  replayed = '0/20';
  await all.check();
  expect(all.pick()).toBe(replica);
});

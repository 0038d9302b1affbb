// Databases with different rows stand for the primary and its replicas: what a list shows tells who answered it.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type Relay, startRelay } from './relay.ts';
import { quiet } from './store-contract.ts';

describeWithPostgres('read replicas', () => {
  let postgres: TestPostgres;
  let relay: Relay;
  const urls: Record<string, string> = {};

  beforeAll(async () => {
    postgres = await startPostgres();
    relay = await startRelay(postgres.port);
    for (const name of ['primary', 'first', 'second']) {
      const DATABASE_URL = await postgres.createDatabase(name);
      urls[name] = DATABASE_URL;
      await using store = await openStore(configOf({ DATABASE_URL }), quiet);
      await store.query((db) => db.insertInto('servers').values({ id: name, name }).execute());
    }
  });
  afterAll(async () => {
    await relay?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  const open = (replicas: string[], settings: Record<string, string> = {}) =>
    openStore(
      configOf({ DATABASE_URL: urls['primary'] ?? '', DATABASE_REPLICA_URLS: replicas.join(', '), ...settings }),
      quiet,
    );
  const list = async (store: Store) => {
    const rows = await store.read((db) => db.selectFrom('servers').select('name').where('name', '!=', 'new').execute());
    return rows.map((row) => row.name).join();
  };
  const write = (store: Store) =>
    store.query((db) => db.updateTable('servers').set({ icon: 'new' }).where('id', '=', 'primary').execute());

  it('answer lists in turn, and nothing else', async () => {
    await using store = await open([urls['first'] ?? '', urls['second'] ?? '']);
    await expect.poll(() => list(store)).not.toBe('primary');
    const seen = [await list(store), await list(store), await list(store), await list(store)];
    expect(seen.toSorted()).toEqual(['first', 'first', 'second', 'second']);
    const own = await store.query((db) => db.selectFrom('servers').select('name').executeTakeFirst());
    expect(own).toEqual({ name: 'primary' });
  });

  it('leave a list to the primary that they cancel for the sake of its log, and answer the next one', async () => {
    for (const name of ['primary', 'first']) {
      await using own = await openStore(configOf({ DATABASE_URL: urls[name] ?? '' }), quiet);
      const body = "raise 'canceling statement due to conflict with recovery' using errcode = '40001';";
      const define = `create function answering() returns name language plpgsql as $$ begin
        ${name === 'first' ? body : ''} return current_database(); end $$`;
      await own.query((db) => sql.raw(define).execute(db));
    }
    await using store = await open([urls['first'] ?? '']);
    await expect.poll(() => list(store)).toBe('first');
    const rows = await store.read((db) => db.selectNoFrom(sql<string>`answering()`.as('name')).execute());
    expect(rows).toEqual([{ name: 'primary' }]);
    expect(await list(store)).toBe('first');
  });

  it.each([
    ['a statement', write],
    [
      'a transaction',
      (store: Store) =>
        store.transaction(async (db) => void (await db.deleteFrom('servers').where('id', '=', 'nobody').execute())),
    ],
    ['a batch', (store: Store) => store.batch((db) => [db.deleteFrom('servers').where('id', '=', 'nobody')])],
    ['another process', async (store: Store) => store.wroteElsewhere()],
  ])('are not asked for a while after a write by %s', async (_name, change) => {
    await using store = await open([urls['first'] ?? ''], { DATABASE_REPLICA_READ_YOUR_WRITES: '0.4' });
    await expect.poll(() => list(store)).toBe('first');
    await change(store);
    expect(await list(store)).toBe('primary');
    await expect.poll(() => list(store)).toBe('first');
    await using careless = await open([urls['first'] ?? ''], { DATABASE_REPLICA_READ_YOUR_WRITES: '0' });
    await expect.poll(() => list(careless)).toBe('first');
    await change(careless);
    expect(await list(careless)).toBe('first');
  });

  it('are left out while they do not answer, without an error to anybody, and come back', async () => {
    const behind = (urls['first'] ?? '').replace(String(postgres.port), String(relay.port));
    await using store = await open([behind]);
    await expect.poll(() => list(store)).toBe('first');
    await relay.close();
    expect(await list(store)).toBe('primary');
    await relay.open();
    await expect.poll(() => list(store), { timeout: 5000 }).toBe('first');
  });
});

// What every database behind the store must do alike; run on each of them (store.test.ts, postgres-majors.test.ts).
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { isIn, now, rowChunks } from '../../src/store/portable.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** @param create a new, empty database; answers its URL */
export function storeContract(create: (name: string) => Promise<string>): void {
  let url: string;
  let store: Store;

  beforeAll(async () => {
    url = await create('contract');
    store = await openStore(configOf({ DATABASE_URL: url }), quiet);
  });
  afterAll(async () => {
    await store?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await store.query((db) => db.deleteFrom('servers').execute());
  });

  const insert = (name: string, more: { enabled?: boolean; created_at?: Date } = {}) =>
    store.query((db) =>
      db
        .insertInto('servers')
        .values({ id: randomUUID(), name, ...more })
        .returningAll()
        .executeTakeFirstOrThrow(),
    );

  it('gives booleans, times, sequence numbers and nothing as the same types', async () => {
    const first = await insert('first');
    expect(first).toMatchObject({
      enabled: true,
      description: null,
      created_at: expect.any(Date),
      seq: expect.stringMatching(/^\d+$/),
    });
    const second = await insert('second', { enabled: false, created_at: new Date('2026-01-02T03:04:05.678Z') });
    expect(second).toMatchObject({ enabled: false, created_at: new Date('2026-01-02T03:04:05.678Z') });
    expect(Number(second.seq)).toBeGreaterThan(Number(first.seq));
    const read = await store.query((db) => db.selectFrom('servers').selectAll().where('seq', '>', first.seq).execute());
    expect(read).toEqual([second]);
    const off = await store.query((db) =>
      db.selectFrom('servers as s').select('s.name as title').where('enabled', '=', false).execute(),
    );
    expect(off).toEqual([{ title: 'second' }]);
  });

  it('compares its own clock with times from here, cuts them to the hour and finds the latest', async () => {
    const { id } = await insert('old', { created_at: new Date('2026-01-02T03:04:05.678Z') });
    await insert('new');
    const recent = await store.query((db) =>
      db
        .selectFrom('servers')
        .select('name')
        .where('created_at', '>', new Date(Date.now() - 60_000))
        .execute(),
    );
    expect(recent).toEqual([{ name: 'new' }]);
    await store.query((db) => db.updateTable('servers').set({ updated_at: now }).where('id', '=', id).execute());
    const old = await store.query((db) =>
      db
        .selectFrom('servers')
        .select(['updated_at', sql<Date>`date_trunc('hour', created_at)`.as('hour')])
        .where('id', '=', id)
        .executeTakeFirstOrThrow(),
    );
    expect(Math.abs(old.updated_at.getTime() - Date.now())).toBeLessThan(60_000);
    expect(old.hour).toEqual(new Date('2026-01-02T03:00:00.000Z'));
    const { latest } = await store.query((db) =>
      db
        .selectFrom('servers')
        .select((row) => row.fn.max('created_at').as('latest'))
        .executeTakeFirstOrThrow(),
    );
    expect(latest).toBeInstanceOf(Date);
  });

  it('finds by lists of any length and writes many rows in their order', async () => {
    const rows = Array.from({ length: 2500 }, (_, at) => ({ id: randomUUID(), name: `s${at}` }));
    for (const chunk of rowChunks(rows)) await store.query((db) => db.insertInto('servers').values(chunk).execute());
    const ids = rows.slice(0, 2000).map(({ id }) => id);
    const find = (list: string[]) =>
      store.query((db) => db.selectFrom('servers').select('id').where(isIn('id', list)).orderBy('seq').execute());
    expect((await find(ids)).map(({ id }) => id)).toEqual(ids);
    expect(await find([])).toEqual([]);
    const { numDeletedRows } = await store.query((db) =>
      db.deleteFrom('servers').where(isIn('servers.id', ids)).executeTakeFirst(),
    );
    expect(numDeletedRows).toBe(2000n);
  });

  it('does all of a transaction or nothing, one after the other on a locked row', async () => {
    const { id } = await insert('counter');
    const failed = store.transaction(async (db) => {
      await db.insertInto('servers').values({ id: randomUUID(), name: 'lost' }).execute();
      throw new Error('on purpose');
    });
    await expect(failed).rejects.toThrow('on purpose');
    const add = () =>
      store.transaction(async (db) => {
        const row = await db
          .selectFrom('servers')
          .select('icon')
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirstOrThrow();
        await db
          .updateTable('servers')
          .set({ icon: String(Number(row.icon ?? 0) + 1) })
          .where('id', '=', id)
          .execute();
      });
    await Promise.all(Array.from({ length: 10 }, add));
    const rows = await store.query((db) => db.selectFrom('servers').select(['name', 'icon']).execute());
    expect(rows).toEqual([{ name: 'counter', icon: '10' }]);
  });

  it('tells a name that is taken, a parent that is missing and NUL as the same errors', async () => {
    await insert('taken');
    await expect(insert('taken')).rejects.toThrow('GW_CONFLICT');
    const orphan = { server_id: randomUUID(), entry_id: randomUUID() };
    await expect(store.query((db) => db.insertInto('server_entries').values(orphan).execute())).rejects.toThrow(
      'GW_NOT_FOUND',
    );
    await expect(insert('a\0b')).rejects.toThrow('GW_INVALID_REQUEST');
  });

  it('writes over what is there on a conflict, and leaves it on demand', async () => {
    const { id } = await insert('one');
    const upsert = (icon: string) =>
      store.query((db) =>
        db
          .insertInto('servers')
          .values({ id, name: 'one', icon })
          .onConflict((conflict) => conflict.column('id').doUpdateSet((row) => ({ icon: row.ref('excluded.icon') })))
          .returning('icon')
          .executeTakeFirstOrThrow(),
      );
    expect(await upsert('a')).toEqual({ icon: 'a' });
    const { numInsertedOrUpdatedRows } = await store.query((db) =>
      db
        .insertInto('servers')
        .values({ id, name: 'two' })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst(),
    );
    expect(numInsertedOrUpdatedRows).toBe(0n);
  });

  it('does a batch whole or not at all, and answers each of its statements', async () => {
    const [made, , found] = await store.batch((db) => [
      db.insertInto('servers').values({ id: 'a', name: 'first' }).returning('name'),
      db.insertInto('servers').values({ id: 'b', name: 'second' }),
      db.selectFrom('servers').select(['id', 'enabled']).where('name', '=', 'second'),
    ]);
    expect([made, found]).toEqual([[{ name: 'first' }], [{ id: 'b', enabled: true }]]);
    const failed = store.batch((db) => [
      db.insertInto('servers').values({ id: 'c', name: 'third' }),
      db.insertInto('servers').values({ id: 'd', name: 'first' }),
      db.insertInto('servers').values({ id: 'e', name: 'fifth' }),
    ]);
    await expect(failed).rejects.toThrow('GW_CONFLICT');
    const names = await store.query((db) => db.selectFrom('servers').select('name').orderBy('name').execute());
    expect(names).toEqual([{ name: 'first' }, { name: 'second' }]);
    expect(store.pool()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('writes few and many rows alike, whatever is in their texts, all or none', async () => {
    const created_at = new Date('2026-01-02T03:04:05.678Z');
    const texts = ['tab\there', 'line\nand\r\nline', 'back\\slash \\N \\.', '"quoted", ünïcödé 🚀', '', null];
    for (const count of [6, 99, 100, 2500]) {
      await store.query((db) => db.deleteFrom('servers').execute());
      const rows = Array.from({ length: count }, (_, at) => ({
        id: `id ${at}`,
        name: `name ${at}`,
        description: texts[at % texts.length] ?? null,
        enabled: at % 2 === 0,
        created_at,
      }));
      await store.bulkInsert('servers', rows);
      const read = await store.query((db) =>
        db
          .selectFrom('servers')
          .select(['id', 'name', 'description', 'enabled', 'created_at'])
          .orderBy('seq')
          .execute(),
      );
      expect(read).toEqual(rows);
      const again = rows.map((row, at) => (at === count - 1 ? row : { ...row, id: `new ${at}`, name: `new ${at}` }));
      await expect(store.bulkInsert('servers', again)).rejects.toThrow('GW_CONFLICT');
      const { total } = await store.query((db) =>
        db
          .selectFrom('servers')
          .select((row) => row.fn.countAll().as('total'))
          .executeTakeFirstOrThrow(),
      );
      expect(Number(total)).toBe(count);
    }
    await store.bulkInsert('servers', []);
  });

  it('opens from several starts at once, also when it has all migrations already', async () => {
    const config = configOf({ DATABASE_URL: await create('rush') });
    for (let times = 0; times < 2; times += 1) {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(config, quiet)));
      for (const one of stores) {
        await one.ping();
        expect(await one.query((db) => db.selectFrom('servers').selectAll().execute())).toEqual([]);
      }
      await Promise.all(stores.map((one) => one[Symbol.asyncDispose]()));
    }
  });
}

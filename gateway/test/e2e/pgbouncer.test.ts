import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithPgBouncer, startPgBouncer, type TestPgBouncer } from '../pgbouncer.ts';
import { startPostgres, type TestPostgres } from '../postgres.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { startRegistryApp } from './registry-app.ts';
import { quiet, storeContract } from './store-contract.ts';

describeWithPgBouncer('behind PgBouncer in transaction mode', () => {
  let postgres: TestPostgres;
  let pgbouncer: TestPgBouncer;

  beforeAll(async () => {
    postgres = await startPostgres();
    pgbouncer = await startPgBouncer(postgres.port);
  });
  afterAll(async () => {
    await pgbouncer?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  const create = async (name: string) =>
    (await postgres.createDatabase(name)).replace(String(postgres.port), String(pgbouncer.port));
  const one = async (store: Store, text: string): Promise<unknown> => {
    const { rows } = await store.query((db) => sql.raw<Record<string, unknown>>(text).execute(db));
    return Object.values(rows[0] ?? {})[0];
  };

  storeContract(create);

  it('serves the registry to many at once over two server connections', async () => {
    const url = 'http://127.0.0.1:9000/mcp';
    await using registry = await startRegistryApp(await create('registry'), { DB_PREPARE_THRESHOLD: '1' });
    registry.upstreams.offers.set(url, fastTime);
    expect((await registry.call('POST', '/gateways', { name: 'fast_time', url })).status).toBe(201);
    const servers = Array.from({ length: 40 }, async (_, at) => {
      const created = await registry.call('POST', '/servers', {
        name: `server ${at}`,
        associatedTools: ['fast-time-convert-time'],
      });
      const read = await registry.call('GET', `/servers/${created.json.id}`);
      return [created.status, read.status, read.json.associatedTools];
    });
    for (const server of await Promise.all(servers)) expect(server).toEqual([201, 200, ['fast-time-convert-time']]);
    expect(JSON.parse(await registry.registry.catalog.list('tools')).tools).toHaveLength(2);
    expect(await one(registry.store, 'select count(*)::int from pg_prepared_statements')).toBe(0);
  });

  it('finds the pooler by itself, whether it refuses the settings at the start or passes over them', async () => {
    const lax = await startPgBouncer(postgres.port, {
      ignore_startup_parameters: 'statement_timeout,idle_in_transaction_session_timeout',
    });
    await using _ = lax;
    const DATABASE_URL = (await create('lax')).replace(String(pgbouncer.port), String(lax.port));
    await using store = await openStore(configOf({ DATABASE_URL, DB_PREPARE_THRESHOLD: '1' }), quiet);
    await store.query((db) => db.selectFrom('servers').select('id').where('id', '=', 'x').execute());
    expect(await one(store, 'select count(*)::int from pg_prepared_statements')).toBe(0);
    await store.transaction(async (db) => {
      const { rows } = await sql`show statement_timeout`.execute(db);
      expect(rows).toEqual([{ statement_timeout: '5s' }]);
    });
  });

  it('DB_POOLER says it where it is known: none asks for what PgBouncer refuses', async () => {
    const DATABASE_URL = await create('said');
    await using refused = await openStore(configOf({ DATABASE_URL, DB_POOLER: 'none' }), quiet);
    await expect(one(refused, 'select 1')).rejects.toThrow('unsupported startup parameter');
    await using prepared = await openStore(
      configOf({ DATABASE_URL, DB_POOLER: 'transaction-prepared', DB_PREPARE_THRESHOLD: '1' }),
      quiet,
    );
    await prepared.query((db) => db.selectFrom('servers').select('id').where('id', '=', 'x').execute());
    expect(await one(prepared, 'select count(*)::int from pg_prepared_statements')).toBe(1);
    await using plain = await openStore(
      configOf({ DATABASE_URL, DB_POOLER: 'transaction', DB_PREPARE_THRESHOLD: '1' }),
      quiet,
    );
    const before = await one(plain, 'select count(*)::int from pg_prepared_statements');
    await plain.query((db) => db.selectFrom('gateways').select('id').where('id', '=', 'y').execute());
    expect(await one(plain, 'select count(*)::int from pg_prepared_statements')).toBe(before);
  });

  it('ends statements at their deadline, within and without a transaction, and leaves no setting behind', async () => {
    const DATABASE_URL = await create('deadline');
    const settings = { DATABASE_URL, DB_STATEMENT_TIMEOUT: '0.3', DB_IDLE_IN_TRANSACTION_TIMEOUT: '0.2' };
    await using store = await openStore(configOf(settings), quiet);
    await using watcher = await openStore(configOf({ DATABASE_URL }), quiet);
    const running = () =>
      one(
        watcher,
        `select count(*)::int from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'`,
      );

    await expect(one(store, 'select pg_sleep(20)')).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    await expect.poll(running).toBe(0);
    const inTransaction = store.transaction(async (db) => void (await sql`select pg_sleep(20)`.execute(db)));
    await expect(inTransaction).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    await expect.poll(running).toBe(0);
    const idle = store.transaction(async (db) => {
      await sql`select 1`.execute(db);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await sql`select 1`.execute(db);
    });
    await expect(idle).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    expect(await one(watcher, 'show statement_timeout')).toBe('0');
    expect(await one(watcher, 'show idle_in_transaction_session_timeout')).toBe('0');
  });
});

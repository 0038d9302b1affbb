import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it, vi } from 'vitest';
import { toSqlitePath } from '../../src/store/sqlite.ts';
import { toSqliteText } from '../../src/store/sqlite-values.ts';
import { openStore } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithSqlite } from '../databases.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

it('reads the URLs of SQLite as SQLAlchemy writes them', () => {
  expect(toSqlitePath('sqlite:///./mcp.db')).toBe('./mcp.db');
  expect(toSqlitePath('sqlite:////var/lib/mcp.db')).toBe('/var/lib/mcp.db');
  expect(toSqlitePath('sqlite:///a%20b.db?check_same_thread=false')).toBe('a b.db');
  for (const inMemory of ['sqlite://', 'sqlite:', 'sqlite:///:memory:'])
    expect(toSqlitePath(inMemory)).toBe(':memory:');
});

it('says the time and lists of texts in the words of SQLite', () => {
  expect(toSqliteText('select now(), "now_a" where id = any(?::text[]) and name ilike ?')).toBe(
    `select (strftime('%Y-%m-%dT%H:%M:%fZ','now')), "now_a" where id in (select value from json_each(?)) and name like ?`,
  );
});

it('says what to install where better-sqlite3 is missing', async () => {
  vi.doMock('better-sqlite3', () => {
    throw new Error('Cannot find package');
  });
  try {
    const opened = openStore(configOf({ DATABASE_URL: 'sqlite://' }), quiet);
    await expect(opened).rejects.toThrow(/GW_CONFIG_INVALID.*npm install better-sqlite3/s);
  } finally {
    vi.doUnmock('better-sqlite3');
  }
});

describeWithSqlite('a SQLite database', () => {
  it('is refused when it has migrations that are not known here', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatebench-sqlite-'));
    try {
      const config = configOf({ DATABASE_URL: `sqlite:///${join(folder, 'other.db')}` });
      {
        await using store = await openStore(config, quiet);
        await store.query((db) =>
          sql`insert into gateway_migrations (name, timestamp) values ('0006_other', '2999-01-01')`.execute(db),
        );
      }
      await expect(openStore(config, quiet)).rejects.toThrow(/GW_DATABASE_MIGRATIONS.*0006_other/s);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('lives in memory when the URL names no file', async () => {
    await using store = await openStore(configOf({ DATABASE_URL: 'sqlite://' }), quiet);
    await store.query((db) => db.insertInto('servers').values({ id: '1', name: 'one' }).execute());
    expect(await store.query((db) => db.selectFrom('servers').select('name').execute())).toEqual([{ name: 'one' }]);
  });

  it('waits for another process that writes, without holding this one, and says 503 when that takes too long', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatebench-sqlite-'));
    try {
      const path = join(folder, 'busy.db');
      const settings = { DATABASE_URL: `sqlite:///${path}`, DB_SQLITE_BUSY_TIMEOUT: '400' };
      await using store = await openStore(configOf(settings), quiet);
      const write = (name: string) =>
        store.query((db) => db.insertInto('servers').values({ id: name, name }).execute());

      const holder = await holdWriteLock(path);
      let turns = 0;
      const turn = setInterval(() => (turns += 1), 5);
      await expect(write('late')).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
      expect(turns).toBeGreaterThan(10);
      // WAL: who reads does not wait for who writes.
      expect(await store.query((db) => db.selectFrom('servers').select('name').execute())).toEqual([]);
      const waiting = write('patient');
      await holder.release();
      await waiting;
      clearInterval(turn);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Another process that has begun to write. */
async function holdWriteLock(path: string) {
  const script = `
    const db = require('better-sqlite3')(${JSON.stringify(path)});
    db.exec('begin immediate');
    console.log('held');
    process.stdin.on('end', () => db.exec('rollback')).resume();`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    async release() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

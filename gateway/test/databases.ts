// Suites that run on each database that the gateway knows: a contract has one suite, not one per implementation.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeWithPostgres, type PostgresMajor, startPostgres, type TestPostgres } from './postgres.ts';

export interface TestDatabase {
  kind: 'PostgreSQL' | 'SQLite';
  /** A new, empty database; answers its URL. Only within hooks and tests. */
  create: (name: string) => Promise<string>;
}

/** `useDatabase` is called while the suite is described: it starts the server before the tests and ends it after them. */
export function describeWithEachDatabase(name: string, suite: (useDatabase: () => TestDatabase) => void): void {
  describeWithPostgres(`${name} (PostgreSQL)`, () => suite(usePostgres));
  describeWithSqlite(`${name} (SQLite)`, () => suite(useSqlite));
}

/** As `describeWithPostgres`: skipped loudly where better-sqlite3 is missing, an error with `CI=true`. */
export function describeWithSqlite(name: string, suite: () => void): void {
  const missing = isInstalled('better-sqlite3') ? undefined : 'better-sqlite3 is not installed';
  if (missing === undefined) describe(name, suite);
  else if (process.env['CI'] === 'true')
    throw new Error(`${name}: ${missing}, and nothing may be skipped under CI=true`);
  else describe.skip(`${name} (skipped: ${missing})`, suite);
}

export function usePostgres(major?: PostgresMajor): TestDatabase {
  let postgres: TestPostgres | undefined;
  beforeAll(async () => {
    postgres = await startPostgres(major);
  });
  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]();
  });
  return {
    kind: 'PostgreSQL',
    async create(database) {
      if (postgres === undefined) throw new Error('PostgreSQL runs only within hooks and tests');
      return await postgres.createDatabase(database);
    },
  };
}

export function useSqlite(): TestDatabase {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-sqlite-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return { kind: 'SQLite', create: async (database) => `sqlite:///${join(folder, `${database}.db`)}` };
}

function isInstalled(packageName: string): boolean {
  try {
    import.meta.resolve(packageName);
    return true;
  } catch {
    return false; // optional dependency
  }
}

// How often each cache was declared wrong, for the processes that share this database.
import type { Store } from './store.ts';

/** @throws (both) GW_DATABASE_UNAVAILABLE */
export function createCacheVersions(store: Pick<Store, 'query'>) {
  return {
    async read(): Promise<Map<string, number>> {
      const rows = await store.query((db) => db.selectFrom('cache_versions').select(['name', 'version']).execute());
      return new Map(rows.map(({ name, version }) => [name, Number(version)]));
    },
    async raise(names: string[]): Promise<Map<string, number>> {
      const rows = await store.query((db) =>
        db
          .insertInto('cache_versions')
          .values(names.map((name) => ({ name, version: 1 })))
          .onConflict((conflict) =>
            conflict.column('name').doUpdateSet((row) => ({ version: row('cache_versions.version', '+', 1) })),
          )
          .returning(['name', 'version'])
          .execute(),
      );
      return new Map(rows.map(({ name, version }) => [name, Number(version)]));
    },
  };
}

// Values that hold for all instances on this database.
import type { Store } from './store.ts';

export interface GlobalConfig {
  /** JSON text; undefined: nobody has set it. */
  read(name: string): Promise<string | undefined>;
  /** @param json undefined takes it away */
  write(name: string, json: string | undefined): Promise<void>;
}

/** @throws (both) GW_DATABASE_UNAVAILABLE */
export function createGlobalConfig(store: Pick<Store, 'query'>): GlobalConfig {
  return {
    async read(name) {
      const row = await store.query((db) =>
        db.selectFrom('global_config').select('value_json').where('name', '=', name).executeTakeFirst(),
      );
      return row?.value_json;
    },
    async write(name, json) {
      if (json === undefined) {
        await store.query((db) => db.deleteFrom('global_config').where('name', '=', name).execute());
        return;
      }
      await store.query((db) =>
        db
          .insertInto('global_config')
          .values({ name, value_json: json })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ value_json: json }))
          .execute(),
      );
    },
  };
}

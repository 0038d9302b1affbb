// How many of each there are, for the admin pages.
import { sql } from 'kysely';
import { REST_GATEWAY_ID } from '../store/migrations/0002-tags-and-rest.ts';
import type { Store } from '../store/store.ts';

export interface Count {
  total: number;
  enabled: number;
}

export type RegistryCounts = Record<
  'tools' | 'resources' | 'resourceTemplates' | 'prompts' | 'servers' | 'gateways',
  Count
>;

/** @throws GW_DATABASE_UNAVAILABLE */
export async function countRegistry(store: Pick<Store, 'query'>): Promise<RegistryCounts> {
  const none = { total: 0, enabled: 0 };
  const counts: RegistryCounts = {
    tools: none,
    resources: none,
    resourceTemplates: none,
    prompts: none,
    servers: none,
    gateways: none,
  };
  const rows = await store.query((db) => {
    const total = sql<unknown>`count(*)`.as('total');
    const entries = db
      .selectFrom('entries')
      .select([
        sql<string>`kind`.as('kind'),
        total,
        sql<unknown>`sum(case when enabled then 1 else 0 end)`.as('enabled'),
      ])
      .groupBy('kind');
    const servers = db
      .selectFrom('servers')
      .select([sql<string>`'servers'`.as('kind'), total])
      .select(sql<unknown>`sum(case when enabled then 1 else 0 end)`.as('enabled'));
    const gateways = db
      .selectFrom('gateways')
      .where('id', '!=', REST_GATEWAY_ID)
      .select([sql<string>`'gateways'`.as('kind'), total])
      .select(sql<unknown>`sum(case when enabled then 1 else 0 end)`.as('enabled'));
    return entries.unionAll(servers).unionAll(gateways).execute();
  });
  for (const { kind, total, enabled } of rows) {
    // PostgreSQL counts in 64 bits, which come as text; the sum of no row is null.
    if (isCounted(counts, kind)) counts[kind] = { total: Number(total), enabled: Number(enabled ?? 0) };
  }
  return counts;
}

function isCounted(counts: RegistryCounts, kind: string): kind is keyof RegistryCounts {
  return kind in counts;
}

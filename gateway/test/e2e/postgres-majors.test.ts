// The majors of PostgreSQL that are promised, beside the one that all other tests run on.
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { usePostgres } from '../databases.ts';
import { describeWithPostgres } from '../postgres.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { startRegistryApp, upstreamUrl } from './registry-app.ts';
import { quiet, storeContract } from './store-contract.ts';

for (const major of [15, 16, 18] as const) {
  describeWithPostgres(
    `PostgreSQL ${major}`,
    () => {
      const { create } = usePostgres(major);

      it('is what runs here', async () => {
        await using store = await openStore(configOf({ DATABASE_URL: await create('version') }), quiet);
        const { rows } = await store.query((db) =>
          sql<{ version: number }>`select current_setting('server_version_num')::int / 10000 as version`.execute(db),
        );
        expect(rows).toEqual([{ version: major }]);
      });

      storeContract(create);

      it('keeps what is registered, changed and deleted', async () => {
        await using registry = await startRegistryApp(await create('registry'));
        registry.upstreams.offers.set(upstreamUrl, fastTime);
        const gateway = await registry.call('POST', '/gateways', { name: 'fast_time', url: upstreamUrl });
        expect(gateway.status).toBe(201);
        const [tool, other] = (await registry.call('GET', '/tools')).json;
        expect((await registry.call('PUT', `/tools/${tool.id}`, { description: 'changed' })).status).toBe(200);
        const server = await registry.call('POST', '/servers', { name: 's', associatedTools: [tool.id, other.id] });
        expect(server.status).toBe(201);
        const members = (await registry.call('GET', `/servers/${server.json.id}/tools`)).json;
        expect(members).toMatchObject([{ id: tool.id, description: 'changed' }, { id: other.id }]);
        expect((await registry.call('DELETE', `/gateways/${gateway.json.id}`)).status).toBe(200);
        expect((await registry.call('GET', '/tools')).json).toEqual([]);
        expect((await registry.call('GET', `/servers/${server.json.id}`)).json.associatedTools).toEqual([]);
      });
    },
    major,
  );
}

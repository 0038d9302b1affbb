// Every statement that the registry and the door send is explained on full tables: none may read a whole table to find a few
// rows. EXPLAIN (GENERIC_PLAN) plans the very text that was sent, with its parameters open (PostgreSQL 16 and later).
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type AccessApp, startAccessApp, tokenOf, userPassword } from './access-app.ts';

/** Read whole on purpose, or so small that PostgreSQL rightly does not look into the index. */
const mayBeScanned = ['gateways', 'teams', 'roles', 'cache_versions'];

describeWithPostgres('the indexes', () => {
  let postgres: TestPostgres;
  let gateway: AccessApp;
  const admin = tokenOf('operator', { isAdmin: true });
  const [gatewayId, entryId, serverId] = [randomUUID(), randomUUID(), randomUUID()];

  beforeAll(async () => {
    postgres = await startPostgres();
    gateway = await startAccessApp(await postgres.createDatabase('indexes'), { DB_QUERY_LOG_ENABLED: 'true' });
    await fill();
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  async function fill(): Promise<void> {
    const { store } = gateway;
    const gateways = Array.from({ length: 200 }, (_, at) => ({
      id: at === 0 ? gatewayId : randomUUID(),
      name: `gateway ${at}`,
      slug: `gateway-${at}`,
      url: `http://127.0.0.1:9/${at}`,
      transport: 'STREAMABLEHTTP' as const,
      headers_json: '{}',
      capabilities_json: '{}',
    }));
    await store.bulkInsert('gateways', gateways);
    const kinds = ['tools', 'resources', 'resourceTemplates', 'prompts'] as const;
    const entries = Array.from({ length: 16_000 }, (_, at) => ({
      id: at === 0 ? entryId : randomUUID(),
      kind: kinds[at % 4] ?? 'tools',
      gateway_id: gateways[at % 200]?.id ?? gatewayId,
      name: `entry-${at}`,
      original_name: `original://${at}`,
      mcp_json: '{"inputSchema":{}}',
      discovered: true,
    }));
    await store.bulkInsert('entries', entries);
    const servers = Array.from({ length: 4000 }, (_, at) => ({
      id: at === 0 ? serverId : randomUUID(),
      name: `server ${at}`,
    }));
    await store.bulkInsert('servers', servers);
    const members = servers.flatMap(({ id }, at) =>
      [1, 2, 3].map((step) => ({ server_id: id, entry_id: entries[(at * 3 + step) % 16_000]?.id ?? entryId })),
    );
    await store.bulkInsert('server_entries', members);
    for (let at = 0; at < 3; at += 1) {
      const user = { email: `user${at}@example.com`, password: userPassword, full_name: 'User' };
      expect((await gateway.call('POST', '/auth/email/admin/users', admin, user)).status).toBe(201);
    }
    await store.query((db) =>
      sql`insert into users select (json_populate_record(u, json_build_object('email', 'many' || n || '@example.com'))).*
          from users u, generate_series(1, 3000) n where u.email = 'user0@example.com'`.execute(db),
    );
    await store.query((db) => sql`analyze`.execute(db));
  }

  async function explain(text: string): Promise<string[]> {
    const { rows } = await gateway.store.query((db) =>
      sql.raw<{ 'QUERY PLAN': string }>(`explain (generic_plan, costs off) ${text}`).execute(db),
    );
    return rows.map((row) => row['QUERY PLAN']);
  }

  it('serve every statement of lists, lookups, changes and logins without reading a whole table', async () => {
    const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object) =>
      gateway.call(method, url, admin, body);
    const before = gateway.logged.length;
    for (const list of ['tools', 'resources', 'prompts', 'servers', 'gateways']) {
      const first = await call('GET', `/${list}?limit=5`);
      expect([list, first.status, first.json.length]).toEqual([list, 200, 5]);
      await call('GET', `/${list}?limit=5&include_inactive=true`);
    }
    await call('GET', `/tools?limit=5&gateway_id=${gatewayId}`);
    await call('GET', `/servers/${serverId}/tools`);
    expect((await call('GET', `/tools/${entryId}`)).status).toBe(200);
    expect((await call('PUT', `/tools/${entryId}`, { description: 'changed' })).status).toBe(200);
    expect((await call('GET', `/servers/${serverId}`)).status).toBe(200);
    const server = { name: 'new', associatedTools: ['entry-4', entryId] };
    const created = await call('POST', '/servers', server);
    expect(created.status).toBe(201);
    expect((await call('PUT', `/servers/${created.json.id}`, { associatedTools: [entryId] })).status).toBe(200);
    expect((await call('DELETE', `/servers/${created.json.id}`)).status).toBeLessThan(300);
    expect((await call('GET', `/gateways/${gatewayId}`)).status).toBe(200);
    const user = await gateway.login('user1@example.com', userPassword);
    await gateway.call('GET', '/tools?limit=5', user);
    await gateway.call('GET', '/auth/email/me', user);

    const texts = new Set(
      gateway.logged.slice(before).flatMap((line) => {
        const { msg, sql: text } = JSON.parse(line) as { msg: string; sql?: string };
        return msg === 'database statement' && /^(select|update|delete|insert)/.test(text ?? '') ? [text ?? ''] : [];
      }),
    );
    expect(texts.size).toBeGreaterThan(20);
    const control = await explain('select id from servers where icon = $1');
    expect(control.join()).toContain('Seq Scan on servers');
    const scans: string[] = [];
    for (const text of texts) {
      const plan = await explain(text);
      const whole = plan.filter((line) => {
        const table = /Seq Scan on (\w+)/.exec(line)?.[1];
        return table !== undefined && !mayBeScanned.includes(table);
      });
      if (whole.length > 0) scans.push(`${text}\n${plan.join('\n')}`);
    }
    expect(scans).toEqual([]);
  });

  it('cover every foreign key, so that no deletion reads a whole table', async () => {
    const { rows } = await gateway.store.query((db) =>
      sql`select c.conrelid::regclass::text as "table", a.attname as "column"
          from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
          where c.contype = 'f' and not exists (
            select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1] and i.indpred is null)`.execute(
        db,
      ),
    );
    expect(rows).toEqual([]);
  });
});

// Every statement that the registry, the door and the journals send is explained on full tables: none may read a whole table to find a few
// rows. EXPLAIN (GENERIC_PLAN) plans the very text that was sent, with its parameters open (PostgreSQL 16 and later).
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readJournal } from '../../src/records/read-journal.ts';
import { deleteOldExecutions, deleteOldJournals, foldHours } from '../../src/records/upkeep.ts';
import type { Store } from '../../src/store/store.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type AccessApp, startAccessApp, tokenOf, userPassword } from './access-app.ts';

/** Read whole on purpose, or so small that PostgreSQL rightly does not look into the index. */
const mayBeScanned = ['gateways', 'teams', 'roles', 'cache_versions', 'upkeep_turns'];

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
    await fillAccess(store);
    await fillJournals(store);
    await store.query((db) => sql`analyze`.execute(db));
  }

  async function fillAccess(store: Store): Promise<void> {
    const at = new Date().toISOString();
    const many = Array.from({ length: 3000 }, (_, at) => at + 1);
    const emailOf = (n: number) => `many${n}@example.com`;
    const times = { created_at: at, updated_at: at };
    const none = { description: null, max_members: null };
    await store.bulkInsert(
      'teams',
      many.map((n) => ({
        ...{ id: `team-${n}`, name: `team ${n}`, slug: `team-${n}`, visibility: 'private' as const },
        ...{ created_by: 'operator', ...none, ...times },
      })),
    );
    await store.bulkInsert(
      'team_members',
      many.flatMap((n) =>
        [n, (n % 3000) + 1].map((user) => ({
          ...{ team_id: `team-${n}`, user_email: emailOf(user), role: 'member' as const },
          ...{ invited_by: null, joined_at: at },
        })),
      ),
    );
    await store.bulkInsert(
      'user_roles',
      many.map((n) => ({ user_email: emailOf(n), role: 'developer', granted_by: 'operator', granted_at: at })),
    );
    await store.bulkInsert(
      'api_tokens',
      many.map((n) => ({
        ...{ id: `token-${n}`, jti: `jti-${n}`, user_email: emailOf(n % 300), name: `token ${n}`, description: null },
        ...{ server_id: null, team_id: null, permissions_json: '[]', tags_json: '[]', created_at: at },
        expires_at: null,
      })),
    );
    await store.bulkInsert(
      'revoked_tokens',
      many.map((n) => ({ jti: `jti-${n * 2}`, revoked_by: 'operator', reason: null, revoked_at: at, expires_at: at })),
    );
  }

  async function fillJournals(store: Store): Promise<void> {
    const many = Array.from({ length: 3000 }, (_, at) => at);
    const head = (n: number) => ({ id: randomUUID(), at_ms: Date.now() - n * 60_000 });
    const request = (n: number) => ({
      ...head(n),
      ...{ user_id: `many${n % 300}@example.com`, method: 'POST', path: '/rpc', client_ip: null },
    });
    const from = (n: number) => ({ correlation_id: n % 2 === 0 ? null : `correlation-${n}` });
    const kind = 'tools';
    await store.bulkInsert(
      'audit_trail',
      many.map((n) => ({
        ...{ ...request(n), ...from(n), action: 'call', resource_type: 'tool', resource_name: null },
        ...{ before_id: null, after_id: null, status: 200 },
      })),
    );
    await store.bulkInsert(
      'security_events',
      many.map((n) => ({ ...request(n), ...from(n), event_type: 'access_denied', severity: 'low', detail: '' })),
    );
    await store.bulkInsert(
      'structured_log_entries',
      many.map((n) => ({ ...head(n), ...from(n), level: 'info', message: '', detail_json: '{}' })),
    );
    await store.bulkInsert(
      'token_usage',
      many.map((n) => ({ ...request(n), token_hash: `hash-${n % 300}` })),
    );
    await store.bulkInsert(
      'entry_executions',
      many.map((n) => ({
        ...{ entry_id: `entry ${n % 300}`, kind, error_code: null, at_ms: Date.now() - n * 60_000 },
        ...{ executions: 1, sum_ms: 1, min_ms: 1, max_ms: 1 },
      })),
    );
    await store.bulkInsert(
      'entry_execution_hours',
      many.map((n) => ({
        ...{ entry_id: `entry ${n % 300}`, hour_ms: n * 3_600_000, kind, successes: 1, failures: 0 },
        ...{ sum_ms: 1, min_ms: 1, max_ms: 1, last_at_ms: n * 3_600_000 },
      })),
    );
  }

  async function explain(text: string): Promise<string[]> {
    const { rows } = await gateway.store.query((db) =>
      sql.raw<{ 'QUERY PLAN': string }>(`explain (generic_plan, costs off) ${text}`).execute(db),
    );
    return rows.map((row) => row['QUERY PLAN']);
  }

  function statementsSince(line: number): Set<string> {
    const texts = gateway.logged.slice(line).flatMap((logged) => {
      const { msg, sql: text } = JSON.parse(logged) as { msg: string; sql?: string };
      return msg === 'database statement' && /^(select|update|delete|insert)/.test(text ?? '') ? [text ?? ''] : [];
    });
    return new Set(texts);
  }

  /** Statements that read a whole table, with their plans. */
  async function wholeReads(texts: Iterable<string>): Promise<string[]> {
    const scans: string[] = [];
    for (const text of texts) {
      const plan = await explain(text);
      const whole = plan.filter((line) => {
        const table = /Seq Scan on (\w+)/.exec(line)?.[1];
        return table !== undefined && !mayBeScanned.includes(table);
      });
      if (whole.length > 0) scans.push(`${text}\n${plan.join('\n')}`);
    }
    return scans;
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

    const texts = statementsSince(before);
    expect(texts.size).toBeGreaterThan(20);
    const control = await explain('select id from servers where icon = $1');
    expect(control.join()).toContain('Seq Scan on servers');
    expect(await wholeReads(texts)).toEqual([]);
  });

  it('serve users, teams, roles and API tokens without reading a whole table', async () => {
    const call = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object) => {
      const answer = await gateway.call(method, url, admin, body);
      expect([method, url, answer.status < 300, answer.json]).toEqual([method, url, true, answer.json]);
      return answer.json;
    };
    const before = gateway.logged.length;
    const email = 'many7@example.com';
    const users = '/auth/email/admin/users';
    await call('GET', `${users}?limit=5`);
    await call('PUT', `${users}/${email}`, { full_name: 'changed' });
    await call('POST', `${users}/${email}/unlock`);
    await call('GET', '/teams?limit=5');
    await call('GET', '/teams/team-7');
    await call('PUT', '/teams/team-7', { description: 'changed' });
    await call('POST', '/teams/team-7/members', { email: 'many9@example.com' });
    await call('PUT', '/teams/team-7/members/many9@example.com', { role: 'owner' });
    await call('DELETE', `/teams/team-7/members/${email}`);
    await call('DELETE', '/teams/team-8');
    const role = await call('POST', '/rbac/roles', { name: 'reader', scope: 'global', permissions: ['tools.read'] });
    await call('GET', '/rbac/roles');
    await call('POST', `/rbac/users/${email}/roles`, { role_id: role.id });
    await call('GET', `/rbac/users/${email}/roles`);
    await call('DELETE', `/rbac/users/${email}/roles/${role.id}`);
    await call('DELETE', `/rbac/roles/${role.id}`);
    const token = await call('POST', '/tokens', { name: 'mine', expires_in_days: 1 });
    await call('GET', '/tokens?include_inactive=true');
    await call('GET', '/tokens');
    await call('GET', `/tokens/${token.token.id}`);
    await call('DELETE', `/tokens/${token.token.id}`);
    const member = await gateway.login('user2@example.com', userPassword);
    await gateway.call('GET', '/teams', member);
    await call('DELETE', `${users}/many11@example.com`);

    const texts = statementsSince(before);
    expect(texts.size).toBeGreaterThan(25);
    expect(await wholeReads(texts)).toEqual([]);
  });

  it('find in journals by user, request and time, fold and delete by time, without reading a whole table', async () => {
    const { store } = gateway;
    const before = gateway.logged.length;
    const since = new Date(Date.now() - 3_600_000).toISOString();
    for (const journal of ['audit_trail', 'security_events', 'structured_log_entries', 'token_usage'] as const) {
      const rowsOf = async (query: object) => (await readJournal(store, journal, query, async () => undefined)).length;
      expect(await rowsOf({ limit: 5 })).toBe(5);
      expect(await rowsOf({ since, until: new Date().toISOString() })).toBeGreaterThan(0);
      if (journal !== 'structured_log_entries') expect(await rowsOf({ user: 'many7@example.com' })).toBe(10);
      if (journal !== 'token_usage') expect(await rowsOf({ correlation_id: 'correlation-7' })).toBe(1);
    }
    const texts = statementsSince(before);
    expect(texts.size).toBe(14);
    expect(await wholeReads(texts)).toEqual([]);
    for (const text of texts) {
      // Read in the order of time until enough rows fit, an index would still be read whole for somebody who is rare.
      const searched = /"(user_id|correlation_id)" = /.exec(text)?.[1];
      if (searched === undefined) continue;
      const plan = (await explain(text)).join('\n');
      expect(plan).toMatch(new RegExp(`Index Cond: .*${searched} = `));
    }

    const beforeUpkeep = gateway.logged.length;
    const nowMs = Date.now();
    await foldHours(store, nowMs - 49 * 3_600_000);
    await deleteOldExecutions(store, { METRICS_RETENTION_DAYS: 2, METRICS_ROLLUP_RETENTION_DAYS: 2 }, nowMs);
    await deleteOldJournals(store, { LOG_RETENTION_DAYS: 2 }, nowMs);
    const upkeep = [...statementsSince(beforeUpkeep)];
    expect(upkeep.length).toBeGreaterThanOrEqual(7);
    // Without the time a plan expects a third of the table; PostgreSQL plans a deletion with it, and few are that old.
    const oldest = String(nowMs - 2 * 24 * 3_600_000);
    expect(await wholeReads(upkeep.map((text) => text.replace(/^(delete .* "at_ms" < )\$1$/, `$1${oldest}`)))).toEqual(
      [],
    );
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

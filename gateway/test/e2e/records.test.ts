// What the gateway writes down, on both databases: each setting on and off.
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createExecutionFigures } from '../../src/records/figures.ts';
import { toLogRow } from '../../src/records/journals.ts';
import { takeTurns } from '../../src/records/turns.ts';
import { deleteOldExecutions, deleteOldJournals, foldHours } from '../../src/records/upkeep.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { describeWithEachDatabase } from '../databases.ts';

type RecordsTable =
  | 'entry_executions'
  | 'entry_execution_hours'
  | 'audit_trail'
  | 'security_events'
  | 'token_usage'
  | 'upkeep_turns';

import { createTestApp, type TestApp, type TestAppOptions } from '../test-app.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'convert_time' } };

describeWithEachDatabase('records', (useDatabase) => {
  const database = useDatabase();
  let store: Store;

  beforeAll(async () => {
    const config = configOf({ DATABASE_URL: await database.create('records') });
    store = await openStore(config, pino({ level: 'silent' }));
    await store.query(async (db) => {
      const gateway = { id: 'fast-time', name: 'fast-time', slug: 'fast-time', url: 'http://127.0.0.1:1/mcp' };
      await db
        .insertInto('gateways')
        .values({
          ...gateway,
          transport: 'STREAMABLEHTTP',
          headers_json: '{}',
          capabilities_json: '{}',
          last_seen: new Date(),
        })
        .execute();
      const entry = { kind: 'tools' as const, gateway_id: 'fast-time', mcp_json: '{}', discovered: true };
      for (const id of ['convert_time', 'get_system_time']) {
        await db
          .insertInto('entries')
          .values({ ...entry, id, name: `fast-time-${id}`, original_name: id })
          .execute();
      }
    });
  });
  afterAll(async () => {
    await store?.[Symbol.asyncDispose]();
  });

  const start = (environment: Record<string, string>, answer?: TestAppOptions['answer']) =>
    createTestApp({
      store,
      environment: { MCPGATEWAY_ADMIN_API_ENABLED: 'true', ...environment },
      ...(answer === undefined ? {} : { answer }),
    });
  const rowsOf = (table: RecordsTable) => store.query((db) => db.selectFrom(table).selectAll().execute());
  const empty = (table: RecordsTable) => store.query((db) => db.deleteFrom(table).execute());
  const get = async (gateway: TestApp, url: string, user?: string) => {
    const answer = await gateway.send({ method: 'GET', url }, user);
    return { status: answer.statusCode, json: answer.json() };
  };

  it('records each execution with its outcome, and loses none at a stop', async () => {
    await empty('entry_executions');
    let answered = 0;
    {
      await using gateway = start({}, async () => {
        answered++;
        if (answered === 2) throw new GatewayError('GW_UPSTREAM_TIMEOUT', { detail: 'late' });
        if (answered === 3) return { ok: false, error: { code: -32099, message: 'no' } };
        if (answered === 4) return { ok: true, resultJson: '{}', isError: true };
        return { ok: true, resultJson: '{}' };
      });
      for (let at = 0; at < 5; at++) await gateway.post('/rpc', call);
      await gateway.post('/rpc', { ...call, params: { name: 'unknown' } });
      expect(await rowsOf('entry_executions'), 'they wait in the buffer').toEqual([]);
    }
    const rows = await rowsOf('entry_executions');
    expect(rows.map((row) => [row.entry_id, row.kind, row.error_code, Number(row.executions)])).toEqual([
      ['convert_time', 'tools', null, 2],
      ['convert_time', 'tools', 'GW_UPSTREAM_TIMEOUT', 1],
      ['convert_time', 'tools', '-32099', 1],
      ['convert_time', 'tools', 'isError', 1],
    ]);
    for (const { at_ms, min_ms } of rows) {
      expect(Math.abs(Number(at_ms) - Date.now())).toBeLessThan(60_000);
      expect(min_ms).toBeGreaterThan(0);
    }
  });

  it('writes at once without METRICS_BUFFER_ENABLED, at METRICS_BUFFER_MAX_SIZE with it, and nothing without recording', async () => {
    for (const [environment, rows] of [
      [{ METRICS_BUFFER_ENABLED: 'false' }, 3],
      [{ METRICS_BUFFER_MAX_SIZE: '2' }, 2],
      [{ DB_METRICS_RECORDING_ENABLED: 'false' }, 0],
    ] as const) {
      await empty('entry_executions');
      await using gateway = start(environment);
      for (let at = 0; at < 3; at++) {
        await gateway.post('/rpc', call);
      }
      const written = async () =>
        (await rowsOf('entry_executions')).reduce((sum, { executions }) => sum + Number(executions), 0);
      await expect.poll(written, { interval: 10 }).toBe(rows);
    }
  });

  it('writes one row for all that ended alike, with their sum and extremes', async () => {
    await empty('entry_executions');
    await using gateway = start({});
    for (const durationMs of [3, 1, 2]) {
      gateway.records.executed?.({ entryId: 'a', kind: 'tools', durationMs, errorCode: undefined }, 'a', callerOf());
    }
    await gateway.records.flush();
    const rows = await rowsOf('entry_executions');
    expect(rows.map((row) => [Number(row.executions), row.sum_ms, row.min_ms, row.max_ms])).toEqual([[3, 6, 1, 3]]);
  });

  it('writes hundreds of rows at once as they were told', async () => {
    await empty('entry_executions');
    await using gateway = start({ METRICS_BUFFER_MAX_SIZE: '1000' });
    for (let at = 0; at < 300; at++) {
      const errorCode = at % 2 === 0 ? undefined : 'GW_UPSTREAM_TIMEOUT';
      gateway.records.executed?.({ entryId: `tab\t${at}`, kind: 'tools', durationMs: at, errorCode }, 'a', callerOf());
    }
    await gateway.records.flush();
    const rows = await rowsOf('entry_executions');
    expect(rows.map((row) => [row.entry_id, row.sum_ms, row.error_code])).toEqual(
      Array.from({ length: 300 }, (_, at) => [`tab\t${at}`, at, at % 2 === 0 ? null : 'GW_UPSTREAM_TIMEOUT']),
    );
  });

  it('answers figures by kind on /admin/metrics to administrators, and by entry with include_metrics', async () => {
    await empty('entry_executions');
    await empty('entry_execution_hours');
    await using gateway = start({ METRICS_CACHE_ENABLED: 'false' });
    for (let at = 0; at < 2; at++) await gateway.post('/rpc', call);
    await gateway.records.flush();
    const overview = await get(gateway, '/admin/metrics');
    const figures = { totalExecutions: 2, successfulExecutions: 2, failedExecutions: 0, failureRate: 0 };
    expect(overview.json).toMatchObject({
      tools: { ...figures, top: [{ id: 'convert_time', name: 'fast-time-convert_time', ...figures }] },
      resources: { totalExecutions: 0, avgResponseTime: null, lastExecutionTime: null },
    });
    expect((await get(gateway, '/admin/metrics', 'somebody')).status).toBe(403);
    const list = (await get(gateway, '/tools?include_metrics=true')).json;
    const byId = Object.fromEntries(list.map((tool: { id: string }) => [tool.id, tool]));
    expect(byId).toMatchObject({
      convert_time: { executionCount: 2, metrics: { ...figures, avgResponseTime: expect.any(Number) } },
      get_system_time: { executionCount: 0, metrics: { totalExecutions: 0, lastExecutionTime: null } },
    });
    expect((await get(gateway, '/tools/convert_time?include_metrics=true')).json.metrics).toMatchObject(figures);
    expect((await get(gateway, '/tools/convert_time')).json).not.toHaveProperty('metrics');
  });

  it('answers no figures with METRICS_AGGREGATION_ENABLED off', async () => {
    await using gateway = start({ METRICS_AGGREGATION_ENABLED: 'false' });
    expect((await get(gateway, '/admin/metrics')).status).toBe(404);
    expect((await get(gateway, '/tools/convert_time?include_metrics=true')).json).not.toHaveProperty('metrics');
  });

  it('keeps figures for METRICS_CACHE_TTL_SECONDS, with METRICS_CACHE_ENABLED', async () => {
    await empty('entry_executions');
    let nowMs = 0;
    const config = { METRICS_CACHE_ENABLED: true, METRICS_CACHE_TTL_SECONDS: 10 };
    const figures = createExecutionFigures(store, config, () => nowMs);
    const count = async () => (await figures.of(['a'])).get('a')?.totalExecutions;
    const add = () =>
      store.query((db) => db.insertInto('entry_executions').values(execution('a', Date.now())).execute());
    expect(await count()).toBe(0);
    await add();
    nowMs = 9_999;
    expect(await count()).toBe(0);
    nowMs = 10_000;
    expect(await count()).toBe(1);
    await add();
    config.METRICS_CACHE_ENABLED = false;
    expect(await count()).toBe(2);
  });

  it('folds past hours into one row per entry, without changing the figures, whoever does it', async () => {
    await empty('entry_executions');
    await empty('entry_execution_hours');
    const nowMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + 60_000;
    const times = [nowMs - 3 * HOUR_MS, nowMs - HOUR_MS, nowMs - HOUR_MS + 1, nowMs];
    await store.query((db) =>
      db
        .insertInto('entry_executions')
        .values(times.map((atMs, at) => execution('a', atMs, at + 1, at === 1 ? 'isError' : null)))
        .execute(),
    );
    const figures = async () =>
      (
        await createExecutionFigures(store, { METRICS_CACHE_ENABLED: false, METRICS_CACHE_TTL_SECONDS: 1 }).of(['a'])
      ).get('a');
    const before = await figures();
    const folded = await Promise.all([foldHours(store, nowMs), foldHours(store, nowMs)]);
    expect(folded.reduce((sum, one) => sum + one, 0)).toBe(3);
    // Late records of an hour that is folded already.
    await store.query((db) =>
      db
        .insertInto('entry_executions')
        .values(execution('a', nowMs - HOUR_MS + 2))
        .execute(),
    );
    await foldHours(store, nowMs);
    expect((await rowsOf('entry_executions')).length).toBe(1);
    expect((await rowsOf('entry_execution_hours')).length).toBe(2);
    expect(before).toMatchObject({
      totalExecutions: 4,
      failedExecutions: 1,
      minResponseTime: 0.001,
      maxResponseTime: 0.004,
    });
    expect(await figures()).toMatchObject({
      ...before,
      totalExecutions: 5,
      successfulExecutions: 4,
      failureRate: 0.2,
      avgResponseTime: expect.any(Number),
    });
  });

  it('deletes what is older than its retention, and the audit trail never', async () => {
    await empty('entry_executions');
    await empty('audit_trail');
    const nowMs = Date.now();
    await store.query(async (db) => {
      await db
        .insertInto('entry_executions')
        .values([execution('a', nowMs - 8 * DAY_MS), execution('a', nowMs - 6 * DAY_MS)])
        .execute();
      await db
        .insertInto('structured_log_entries')
        .values(
          [31, 29].map((days) => toLogRow(JSON.stringify({ time: nowMs - days * DAY_MS, level: 30, msg: `${days}` }))),
        )
        .execute();
    });
    await deleteOldExecutions(store, { METRICS_RETENTION_DAYS: 7, METRICS_ROLLUP_RETENTION_DAYS: 365 }, nowMs);
    await deleteOldJournals(store, { LOG_RETENTION_DAYS: 30 }, nowMs);
    expect((await rowsOf('entry_executions')).length).toBe(1);
    const left = await store.query((db) => db.selectFrom('structured_log_entries').select('message').execute());
    expect(left).toEqual([{ message: '29' }]);
  });

  it('does the upkeep in the background, when it is on', async () => {
    for (const [isOn, left] of [
      ['true', 0],
      ['false', 1],
    ] as const) {
      await empty('entry_executions');
      await store.query((db) =>
        db
          .insertInto('entry_executions')
          .values(execution('old', Date.now() - 2 * HOUR_MS))
          .execute(),
      );
      await using _gateway = start({ METRICS_ROLLUP_ENABLED: isOn, METRICS_ROLLUP_INTERVAL_HOURS: '0.0001' });
      await new Promise((resolve) => setTimeout(resolve, isOn === 'true' ? 0 : 800));
      await expect.poll(async () => (await rowsOf('entry_executions')).length, { timeout: 5000 }).toBe(left);
    }
    for (const [isOn, left] of [
      ['true', 0],
      ['false', 1],
    ] as const) {
      await empty('entry_executions');
      await store.query((db) =>
        db
          .insertInto('entry_executions')
          .values(execution('old', Date.now() - 8 * DAY_MS))
          .execute(),
      );
      await using _gateway = start({
        METRICS_ROLLUP_ENABLED: 'false',
        METRICS_CLEANUP_ENABLED: isOn,
        METRICS_CLEANUP_INTERVAL_HOURS: '0.0001',
      });
      await new Promise((resolve) => setTimeout(resolve, isOn === 'true' ? 0 : 800));
      await expect.poll(async () => (await rowsOf('entry_executions')).length, { timeout: 5000 }).toBe(left);
    }
  });

  it('does the upkeep soon after the start, however long its interval and however short the life of a worker', async () => {
    await empty('entry_executions');
    await empty('upkeep_turns');
    await store.query((db) =>
      db
        .insertInto('entry_executions')
        .values([execution('old', Date.now() - 2 * HOUR_MS), execution('older', Date.now() - 8 * DAY_MS)])
        .execute(),
    );
    await using _gateway = start({ METRICS_ROLLUP_INTERVAL_HOURS: '24', METRICS_CLEANUP_INTERVAL_HOURS: '24' });
    await expect.poll(async () => (await rowsOf('entry_executions')).length, { timeout: 5000 }).toBe(0);
  });

  it('takes each turn once for all processes and anew when the interval is over, whatever their clocks say', async () => {
    await empty('upkeep_turns');
    let nowMs = Date.parse('2026-03-01T00:00:00Z');
    let runs = 0;
    const look = async (offsetMs = 0) => {
      const before = runs;
      const turn = { name: 'counting', everyMs: HOUR_MS, run: async () => void runs++ };
      const options = { store, turns: [turn], log: pino({ level: 'silent' }), firstMs: 0, now: () => nowMs + offsetMs };
      const processes = [takeTurns(options), takeTurns(options), takeTurns(options)];
      await new Promise((resolve) => setTimeout(resolve, 150));
      for (const one of processes) await one[Symbol.asyncDispose]();
      return runs - before;
    };
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    nowMs += HOUR_MS - 1;
    expect(await look()).toBe(0);
    nowMs += 1;
    expect(await look(30_000)).toBe(1);
    // Of a machine whose clock is behind.
    expect(await look(0)).toBe(0);
    // Whoever set this had a wrong clock: its turn is not waited for.
    await store.query((db) =>
      db
        .updateTable('upkeep_turns')
        .set({ at_ms: nowMs + 300 * DAY_MS })
        .execute(),
    );
    expect(await look()).toBe(1);
  });

  it('gives a turn back when the process ends in the middle of it', async () => {
    await empty('upkeep_turns');
    const log = pino({ level: 'silent' });
    const name = 'interrupted';
    let runs = 0;
    const run = async (signal: AbortSignal) => {
      runs++;
      if (runs === 1) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    };
    const start = () => takeTurns({ store, turns: [{ name, everyMs: HOUR_MS, run }], log, firstMs: 0 });
    const first = start();
    await expect.poll(() => runs).toBe(1);
    await first[Symbol.asyncDispose]();
    await using _next = start();
    await expect.poll(() => runs).toBe(2);
  });

  it('audits who changed what and who called which tool, with the correlation id; nothing with AUDIT_TRAIL_ENABLED off', async () => {
    await empty('audit_trail');
    await using gateway = start({ AUDIT_TRAIL_ENABLED: 'true' });
    const asked = { 'x-correlation-id': 'change-1' };
    const created = (await gateway.post('/servers', { name: `audited ${database.kind}` }, asked)).json();
    await gateway.send({ method: 'PUT', url: `/servers/${created.id}?x=secret`, payload: { description: 'new' } });
    await gateway.send({ method: 'DELETE', url: `/servers/${created.id}` });
    await gateway.send({ method: 'DELETE', url: '/servers/none' });
    await gateway.post('/rpc', call);
    await gateway.send({ method: 'GET', url: '/servers' });
    const { json } = await get(gateway, '/admin/audit');
    const told = json.toReversed();
    expect(told).toMatchObject([
      {
        userId: 'admin',
        action: 'create',
        resourceType: 'servers',
        beforeId: null,
        afterId: created.id,
        correlationId: 'change-1',
        status: 201,
      },
      { action: 'update', beforeId: created.id, afterId: created.id, path: `/servers/${created.id}` },
      { action: 'delete', beforeId: created.id, afterId: null, status: 200 },
      { action: 'delete', beforeId: 'none', afterId: null, status: 404 },
      { action: 'call', resourceType: 'tool', beforeId: 'convert_time', resourceName: 'convert_time' },
    ]);
    expect(told).toHaveLength(5);
    expect((await get(gateway, '/admin/audit?correlation_id=change-1')).json).toHaveLength(1);
    expect((await get(gateway, '/admin/audit?limit=0')).status).toBe(422);
    await empty('audit_trail');
    await using off = start({});
    await off.post('/rpc', call);
    expect((await get(off, '/admin/audit')).status).toBe(404);
    expect(await rowsOf('audit_trail')).toEqual([]);
  });

  it('records refusals at the door with SECURITY_LOGGING_ENABLED, without the token, and none without it', async () => {
    await empty('security_events');
    await using gateway = start({ SECURITY_LOGGING_ENABLED: 'true' });
    await using off = start({});
    for (const one of [off, gateway]) {
      await one.send({
        method: 'GET',
        url: '/tools?token=hunter2',
        headers: { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.secret' },
      });
      await one.send({ method: 'GET', url: '/tools', headers: { origin: 'https://evil.example' } });
      await one.send({ method: 'GET', url: '/nowhere' });
    }
    expect((await get(off, '/admin/security-events')).status).toBe(404);
    const { json } = await get(gateway, '/admin/security-events');
    expect(
      json.map(({ eventType, path, userId }: Record<string, unknown>) => [eventType, path, userId]).toSorted(),
    ).toEqual([
      ['access_denied', '/tools', null],
      ['authentication_failed', '/tools', null],
    ]);
    expect(JSON.stringify(json)).not.toMatch(/secret|hunter2/);
    expect(json).toMatchObject([{ correlationId: expect.any(String), clientIp: '127.0.0.1' }, {}]);
  });

  it('writes down the use of a token once in five minutes, as a hash; not with TOKEN_USAGE_LOGGING_ENABLED off', async () => {
    await empty('token_usage');
    await using off = start({ TOKEN_USAGE_LOGGING_ENABLED: 'false' });
    await using gateway = start({});
    const one = { authorization: `Bearer ${(await import('../test-app.ts')).token('somebody')}` };
    for (const app of [off, gateway]) {
      for (let at = 0; at < 3; at++) await app.post('/rpc', call, one);
      await app.records.flush();
    }
    const rows = await rowsOf('token_usage');
    expect(rows).toMatchObject([{ user_id: 'somebody', method: 'POST', path: '/rpc' }]);
    expect(JSON.stringify(rows)).not.toContain(one.authorization.slice(20));
  });

  it('tells of operations on /admin/performance; PERFORMANCE_TRACKING_ENABLED and the count of sockets are switches', async () => {
    await using gateway = start({});
    await gateway.post('/rpc', call);
    const { json } = await get(gateway, '/admin/performance');
    expect(json).toMatchObject({
      operations: { tools: { count: 1, failures: 0 } },
      netConnections: expect.any(Number),
    });
    await using less = start({ MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED: 'false' });
    expect((await get(less, '/admin/performance')).json).not.toHaveProperty('netConnections');
    await using off = start({ PERFORMANCE_TRACKING_ENABLED: 'false' });
    expect((await get(off, '/admin/performance')).status).toBe(404);
  });

  it('logs each request with DISABLE_ACCESS_LOG=false, without its query, and none by default', async () => {
    for (const [isOff, lines] of [
      ['true', 0],
      ['false', 1],
    ] as const) {
      await using gateway = start({ DISABLE_ACCESS_LOG: isOff, LOG_LEVEL: 'info' });
      await gateway.send({ method: 'GET', url: '/health?token=abc', headers: { 'x-correlation-id': 'seen' } });
      const requests = gateway.logged.filter((line) => 'msg' in line && line.msg === 'request');
      expect(requests).toHaveLength(lines);
      if (lines === 1)
        expect(requests).toMatchObject([
          { method: 'GET', path: '/health', status: 200, correlationId: 'seen', ms: expect.any(Number) },
        ]);
    }
  });
});

function execution(entryId: string, atMs: number, ms = 1, errorCode: string | null = null) {
  const times = { at_ms: atMs, sum_ms: ms, min_ms: ms, max_ms: ms };
  return { entry_id: entryId, kind: 'tools', error_code: errorCode, executions: 1, ...times };
}

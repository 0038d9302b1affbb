import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { observeQueries } from '../../src/http/observe-queries.ts';
import { openStore } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithSqlite } from '../databases.ts';

describeWithSqlite('the query log', () => {
  it('warns once when a request asks the same again and again, and not when several requests do', async () => {
    const warned: object[] = [];
    const log = {
      info: () => undefined,
      error: () => undefined,
      warn: (detail: object) => void warned.push(detail),
    };
    const settings = { DATABASE_URL: 'sqlite://', DB_QUERY_LOG_ENABLED: 'true', DB_QUERY_LOG_N1_THRESHOLD: '4' };
    await using store = await openStore(configOf(settings), log);
    const app = Fastify();
    if (store.queryLog !== undefined) observeQueries(app, store.queryLog);
    app.post<{ Body: { times: number } }>('/servers/:id', async (request) => {
      for (let at = 0; at < request.body.times; at += 1) {
        await store.query((db) => db.selectFrom('servers').select('id').where('id', '=', String(at)).execute());
      }
      return {};
    });
    const ask = (times: number) => app.inject({ method: 'POST', url: '/servers/secret', payload: { times } });
    await Promise.all([ask(3), ask(3), ask(3)]);
    expect(warned).toEqual([]);
    await ask(6);
    expect(warned).toEqual([
      { sql: expect.stringContaining('from "servers"'), count: 4, request: 'POST /servers/:id' },
    ]);
    await app.close();
  });

  it('is not there when it is off', async () => {
    await using store = await openStore(configOf({ DATABASE_URL: 'sqlite://' }), console);
    expect(store.queryLog).toBeUndefined();
  });
});

import { expect, it } from 'vitest';
import { type GatewayError, toJsonRpcError } from '../../src/errors.ts';
import { toGatewayError } from '../../src/store/failure.ts';
import type { Store } from '../../src/store/store.ts';
import { createTestApp } from '../test-app.ts';

/** As `pg`, Node and SQLite word them. */
const failures = [
  Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' }),
  Object.assign(new Error('password authentication failed for user "gateway_prod"'), { code: '28P01' }),
  Object.assign(new Error('database "gateway_prod" does not exist'), { code: '3D000' }),
  Object.assign(new Error('getaddrinfo ENOTFOUND db.gateway_prod.internal'), { code: 'ENOTFOUND' }),
  Object.assign(new Error('unable to open database file /data/gateway_prod.db'), { code: 'SQLITE_CANTOPEN' }),
];
const inside = /10\.1\.2\.3|gateway_prod/;

it('tells clients that the database is not there, and nothing of where it is or who asks it; operators all of it', () => {
  for (const failure of failures) {
    const told = toGatewayError(failure);
    expect(told).toMatchObject({ code: 'GW_DATABASE_UNAVAILABLE', cause: failure });
    expect((told as GatewayError).detail).not.toMatch(inside);
    expect(JSON.stringify(toJsonRpcError(told))).not.toMatch(inside);
    expect(String(told)).toMatch(inside);
  }
});

it('answers so, and logs the reason', async () => {
  for (const failure of failures) {
    const down = () => Promise.reject(toGatewayError(failure));
    const store = { ...({} as Store), query: down, read: down, transaction: down, batch: down, bulkInsert: down };
    const environment = { DB_METRICS_RECORDING_ENABLED: 'false', TOKEN_USAGE_LOGGING_ENABLED: 'false' };
    await using gateway = createTestApp({ store, environment });
    const answer = await gateway.send({ method: 'GET', url: '/gateways' });
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'GW_DATABASE_UNAVAILABLE']);
    expect(answer.body).not.toMatch(inside);
    expect(gateway.logged).toMatchObject([{ code: 'GW_DATABASE_UNAVAILABLE', detail: failure.message }]);
  }
});

import { expect, it } from 'vitest';
import { toDatabaseScope } from '../../src/config/database-scope.ts';

it('is the same for one database, whoever logs in, and another for another', () => {
  const scope = toDatabaseScope('postgresql://a:b@db:5432/mcp');
  expect(toDatabaseScope('postgresql+psycopg://c:d@db/mcp?sslmode=disable')).toBe(scope);
  for (const other of ['postgresql://a:b@db/other', 'postgresql://a:b@db2/mcp', 'postgresql://a:b@db:6432/mcp']) {
    expect(toDatabaseScope(other)).not.toBe(scope);
  }
  expect(toDatabaseScope('sqlite:///a.db')).not.toBe(toDatabaseScope('sqlite:///b.db'));
});

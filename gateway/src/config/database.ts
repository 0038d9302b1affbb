// The database and its connections.
import { Type } from 'typebox';
import { count, seconds } from './setting.ts';

export const databaseSettings = {
  DATABASE_URL: Type.String({
    default: 'postgresql://postgres@127.0.0.1:5432/mcp',
    pattern: '^(postgres(ql)?(\\+psycopg[0-9]?)?://.+|sqlite:(//.*)?)$',
    description:
      'PostgreSQL (`postgresql+psycopg://` is accepted too) or SQLite as SQLAlchemy writes it: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` in memory',
    sourceNote: 'the source: SQLite by default, PostgreSQL for anything beyond tests',
    secret: true,
  }),
  DB_POOL_SIZE: Type.Integer({
    default: 5,
    minimum: 1,
    maximum: 1000,
    description: 'database connections that are kept open',
  }),
  DB_MAX_OVERFLOW: Type.Integer({
    default: 10,
    minimum: 0,
    maximum: 1000,
    description: 'further database connections, opened in a rush and closed when idle; also DB_POOL_MAX_OVERFLOW',
  }),
  DB_POOL_TIMEOUT: seconds('longest wait for a free database connection', {
    default: 30,
    minimum: 0.01,
    maximum: 600,
  }),
  DB_POOL_RECYCLE: seconds('age at which a database connection is replaced; 0 never', {
    default: 3600,
    minimum: 0,
    maximum: 86_400,
  }),
  DB_CONNECT_TIMEOUT: seconds('longest wait for PostgreSQL to accept a connection', {
    default: 1.5,
    minimum: 0.05,
    maximum: 60,
  }),
  DB_STATEMENT_TIMEOUT: seconds('longest time of one statement, on the server and as seen from here', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
  }),
  DB_SQLITE_BUSY_TIMEOUT: count('longest wait, in milliseconds, while another process writes to the same SQLite file', {
    default: 5000,
    minimum: 0,
    maximum: 600_000,
  }),
  DB_PREPARED_STATEMENTS: Type.Boolean({
    default: true,
    description: 'prepare statements by name, once per connection; off behind a transaction pooler that cannot',
  }),
};

// The database and its connections.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

export const databaseSettings = {
  DATABASE_URL: Type.String({
    default: 'postgresql://postgres@127.0.0.1:5432/mcp',
    pattern: '^(postgres(ql)?(\\+psycopg[0-9]?)?://.+|sqlite:(//.*)?)$',
    description:
      'PostgreSQL (`postgresql+psycopg://` is accepted too) or SQLite as SQLAlchemy writes it: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` in memory',
    sourceNote: 'seeds/003: SQLite by default, PostgreSQL for anything beyond tests',
    secret: true,
  }),
  DB_POOL_CLASS: Type.Enum(['auto', 'queue', 'null'], {
    default: 'auto',
    description: 'connections are kept and lent (`queue`), or opened for each use (`null`); `auto` is `queue`',
  }),
  DB_POOL_SIZE: count('database connections per worker that are kept open', {
    default: 5,
    minimum: 1,
    maximum: 1000,
    live: true,
    sourceNote: '5 in the table of seeds/003 (which wins), 20 in its example, 50 in seeds/001',
  }),
  DB_MAX_OVERFLOW: count(
    'further database connections, opened in a rush and closed when idle; also DB_POOL_MAX_OVERFLOW',
    { default: 10, minimum: 0, maximum: 1000, live: true },
  ),
  DB_POOL_TIMEOUT: seconds('longest wait for a free database connection', {
    default: 30,
    minimum: 0.01,
    maximum: 600,
    live: true,
    sourceNote: '30 in the table of seeds/003 (which wins), 60 in its example and in seeds/001',
  }),
  DB_POOL_RECYCLE: seconds('age at which a database connection is replaced; 0 never', {
    default: 3600,
    minimum: 0,
    maximum: 86_400,
    live: true,
    sourceNote: '3600 in the table of seeds/003 and in seeds/001, 60 in the example of seeds/003 for PgBouncer',
  }),
  DB_POOL_PRE_PING: flag('ask a database connection `select 1` before each use', false, { live: true }),
  DB_POOLER: Type.Enum(['auto', 'none', 'transaction', 'transaction-prepared'], {
    default: 'auto',
    description:
      'what stands before PostgreSQL: nothing (or a pooler in session mode), PgBouncer in transaction mode, or one that carries prepared statements (PgBouncer 1.21 with max_prepared_statements); `auto` finds out with the first connection whether there is a pooler, and then prepares nothing',
  }),
  DB_CONNECT_TIMEOUT: seconds('longest wait for PostgreSQL to accept a connection', {
    default: 1.5,
    minimum: 0.05,
    maximum: 60,
  }),
  DB_MAX_RETRIES: count(
    'further attempts to open a database connection; a request makes them within 0.6 s, a start for as long as they take',
    { default: 5, minimum: 0, maximum: 100 },
  ),
  DB_RETRY_INTERVAL_MS: count(
    'pause before the second attempt, in milliseconds; then twice as long each time, at most 30 s, less a random part of up to half',
    { default: 2000, minimum: 1, maximum: 60_000 },
  ),
  DB_STATEMENT_TIMEOUT: seconds('longest time of one statement, on the server and as seen from here', {
    default: 5,
    minimum: 0.05,
    maximum: 600,
  }),
  DB_IDLE_IN_TRANSACTION_TIMEOUT: seconds('PostgreSQL ends a transaction that has been idle for this long', {
    default: 10,
    minimum: 0.05,
    maximum: 3600,
    sourceNote: 'seeds/003 sets it in PgBouncer (IDLE_TRANSACTION_TIMEOUT, 60–300)',
  }),
  DB_PREPARE_THRESHOLD: count(
    'executions after which a statement is prepared by name, once per connection; 0 never, 1 at once',
    { default: 5, minimum: 0, maximum: 1_000_000, live: true },
  ),
  DATABASE_REPLICA_URLS: Type.String({
    default: '',
    description: 'read replicas for lists, separated by commas; each has a pool of the same sizes',
    secret: true,
  }),
  DATABASE_REPLICA_MAX_LAG: seconds('a read replica that is further behind is left out', {
    default: 5,
    minimum: 0.1,
    maximum: 300,
    live: true,
  }),
  DATABASE_REPLICA_READ_YOUR_WRITES: seconds('for this long after a write the primary answers lists', {
    default: 5,
    minimum: 0,
    maximum: 300,
    live: true,
  }),
  DB_SQLITE_BUSY_TIMEOUT: count('longest wait, in milliseconds, while another process writes to the same SQLite file', {
    default: 5000,
    minimum: 0,
    maximum: 600_000,
  }),
  DB_QUERY_LOG_ENABLED: flag('log every statement with its duration, and warn of N+1 queries', false),
  DB_QUERY_LOG_N1_THRESHOLD: count('equal statements within one request that are logged as N+1', {
    default: 3,
    minimum: 2,
    maximum: 10_000,
    live: true,
  }),
};

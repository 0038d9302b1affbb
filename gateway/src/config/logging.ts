// What is logged, and what the gateway writes down about its work.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

export const loggingSettings = {
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'least severe level that is logged',
    live: true,
  }),
  LOG_FORMAT: Type.Enum(['json', 'text'], {
    default: 'json',
    description: 'one JSON object per line, or a line for people',
  }),
  DISABLE_ACCESS_LOG: flag('write no line per request; `false` logs each at level info', true),
  CORRELATION_ID_ENABLED: flag(
    'give each request an id (X-Correlation-ID, the client’s own where it is sane): answered, passed upstream, logged',
    true,
  ),
  STRUCTURED_LOGGING_DATABASE_ENABLED: flag('write the log to the table structured_log_entries too', false),
  AUDIT_TRAIL_ENABLED: flag('one row in audit_trail per request that may change something, and per tool call', false),
  SECURITY_LOGGING_ENABLED: flag('one row in security_events per refused token, origin, permission or rate', false),
  TOKEN_USAGE_LOGGING_ENABLED: flag('one row in token_usage per token and five minutes of its use', true),
  LOG_RETENTION_DAYS: count(
    'days after which rows of structured_log_entries, security_events and token_usage are deleted; 0 never. audit_trail is kept',
    { default: 30, minimum: 0, maximum: 36_500, live: true },
  ),
  DB_METRICS_RECORDING_ENABLED: flag('record executions of tools, resources and prompts in the database', true),
  METRICS_BUFFER_ENABLED: flag('write these records in bulk; `false` writes each at once', true),
  METRICS_BUFFER_FLUSH_INTERVAL: seconds('longest time that a record waits to be written', {
    default: 60,
    minimum: 5,
    maximum: 300,
    live: true,
  }),
  METRICS_BUFFER_MAX_SIZE: count('records that are written at once, without waiting for the interval', {
    default: 1000,
    minimum: 1,
    maximum: 100_000,
    live: true,
  }),
  METRICS_AGGREGATION_ENABLED: flag('answer figures of these records: GET /admin/metrics, ?include_metrics=true', true),
  METRICS_CACHE_ENABLED: flag('keep these figures in memory for a while', true, { live: true }),
  METRICS_CACHE_TTL_SECONDS: seconds('how long these figures are kept in memory', {
    default: 10,
    minimum: 0.05,
    maximum: 3600,
    live: true,
  }),
  METRICS_ROLLUP_ENABLED: flag('fold records of past hours into one row per entry and hour', true),
  METRICS_ROLLUP_INTERVAL_HOURS: Type.Number({
    default: 1,
    minimum: 0.0001,
    maximum: 24,
    description: 'time between two foldings (hours)',
  }),
  METRICS_CLEANUP_ENABLED: flag('delete records and hourly rows that are older than their retention', true),
  METRICS_CLEANUP_INTERVAL_HOURS: Type.Number({
    default: 1,
    minimum: 0.0001,
    maximum: 168,
    description: 'time between two deletions (hours)',
  }),
  METRICS_RETENTION_DAYS: count('days that single records are kept', {
    default: 7,
    minimum: 1,
    maximum: 365,
    live: true,
  }),
  METRICS_ROLLUP_RETENTION_DAYS: count('days that hourly rows are kept', {
    default: 365,
    minimum: 1,
    maximum: 3650,
    live: true,
  }),
};

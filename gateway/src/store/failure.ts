// What a failure of the database means for who asked.
import { GatewayError } from '../errors.ts';

/** SQLSTATE classes (PostgreSQL, appendix A) that mean: the server cannot serve now. */
const unavailableClasses = ['08', '28', '3D', '53', '57', '58', 'XX'];

/** Failures that `pg` and `pg-pool` tell by message only. */
const unavailableMessages = [
  'no connection came free',
  'timeout expired',
  'Connection terminated',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'driver has already been destroyed',
  'no answer within',
];

/** Ours for what the database's answer or silence means; anything else (a fault of the code) comes back as it is. */
export function toGatewayError(error: unknown): unknown {
  if (error instanceof GatewayError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : error.message;
    return new GatewayError('GW_CONFLICT', { detail, cause: error });
  }
  if (code === '23503' || code === 'SQLITE_CONSTRAINT_FOREIGNKEY') {
    return new GatewayError('GW_NOT_FOUND', {
      detail: 'what the request refers to was deleted meanwhile',
      cause: error,
    });
  }
  // NUL or a broken escape in a text: the one thing that JSON allows and PostgreSQL does not.
  if (code === '22021' || code === '22P05') {
    return new GatewayError('GW_INVALID_REQUEST', {
      detail: 'a text holds a character that cannot be stored (NUL)',
      cause: error,
    });
  }
  if (isUnavailable(code, error.message)) {
    // The driver names host, port, user and database: nobody needs those who has no access to the log.
    const detail = 'it cannot be reached, or cannot serve now; the log of the gateway has the reason';
    return new GatewayError('GW_DATABASE_UNAVAILABLE', { detail, inside: error.message || code, cause: error });
  }
  return error;
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that mean the same; extended ones begin with them. */
const sqliteUnavailable = /^SQLITE_(BUSY|LOCKED|IOERR|FULL|CANTOPEN|READONLY|CORRUPT|NOTADB|PERM|PROTOCOL)/;

/** Refused, reset, not found, starting up, full: another attempt may go better. A wrong password stays wrong. */
export function isConnectFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOST|ENET)/.test(code)) return true;
  if (code.startsWith('08') || code === '57P03' || code === '53300') return true;
  return ['timeout expired', 'Connection terminated'].some((text) => error.message.includes(text));
}

/**
 * SQLSTATE class 40, transaction rollback: a standby cancels a query that stands in the way of what the primary has written
 * (https://www.postgresql.org/docs/17/hot-standby.html#HOT-STANDBY-CONFLICT).
 */
export function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^40...$/.test(error.code);
}

function isUnavailable(code: string, message: string): boolean {
  if (sqliteUnavailable.test(code)) return true;
  if (/^[0-9A-Z]{5}$/.test(code) && unavailableClasses.includes(code.slice(0, 2))) return true;
  if (/^E[A-Z_]+$/.test(code)) return true; // Node's socket errors: ECONNREFUSED, ECONNRESET, ETIMEDOUT, ENOTFOUND …
  return unavailableMessages.some((text) => message.includes(text));
}

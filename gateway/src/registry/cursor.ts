// Cursors of lists: opaque to clients, bound to one list, and good for as long as the list exists (keyset, not offset).
import { GatewayError } from '../errors.ts';

/** Points behind the entry with sequence number `seq`. */
export function toCursor(list: string, seq: number): string {
  return Buffer.from(`${list}:${seq}`).toString('base64url');
}

/** The sequence number that a cursor points behind. @throws GW_INVALID_CURSOR */
export function parseCursor(list: string, cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString();
  const digits = text.startsWith(`${list}:`) ? text.slice(list.length + 1) : '';
  const seq = Number(digits);
  if (!/^\d{1,16}$/.test(digits) || !Number.isSafeInteger(seq)) {
    throw new GatewayError('GW_INVALID_CURSOR', {
      detail: `${JSON.stringify(cursor.slice(0, 80))} is no cursor of ${list}`,
    });
  }
  return seq;
}

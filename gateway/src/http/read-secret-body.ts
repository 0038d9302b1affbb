// Reads bodies that hold passwords: what is wrong is told without the value that was seen.
import type { Static, TSchema } from 'typebox';
import { GatewayError } from '../errors.ts';
import { ParseError, parse } from '../parse.ts';

/** @throws GW_INVALID_REQUEST with every fault and no value */
export function readSecretBody<S extends TSchema>(schema: S, body: unknown): Static<S> {
  try {
    return parse(schema, body ?? null, 'body');
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const faults = error.faults.map(({ path, message }) => ({ path, message }));
    const detail = faults.map(({ path, message }) => `body ${path} ${message}`).join('\n');
    throw new GatewayError('GW_INVALID_REQUEST', { detail, faults });
  }
}

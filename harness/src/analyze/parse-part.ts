// What a result carries as it was resolved (scenarios, configuration) is outside data: it is parsed where it is used.
import { ParseError, parse } from '@gatebench/gateway/parse';
import type { Static, TSchema } from 'typebox';
import { HarnessError } from '../errors.ts';

/** @throws RESULT_INVALID with every fault */
export function parsePart<S extends TSchema>(schema: S, value: unknown, source: string): Static<S> {
  try {
    return parse(schema, value, source);
  } catch (cause) {
    if (cause instanceof ParseError) throw new HarnessError('RESULT_INVALID', { detail: cause.message, cause });
    throw cause;
  }
}

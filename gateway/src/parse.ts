// The one door for outside data: schema defaults are filled in, every fault is reported at once.
import type { Static, TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import { Value } from 'typebox/value';

// TypeBox stops at eight faults unless told otherwise; here all of them are told at once.
Settings.Set({ maxErrors: 1000 });

/** One fault of a value: where it stands (JSON pointer), what is wrong, and the value seen. */
export interface Fault {
  path: string;
  message: string;
  seen: unknown;
}

/** Thrown by `parse`. `faults` holds all of them; the message has one line each. */
export class ParseError extends Error {
  readonly source: string;
  readonly faults: Fault[];
  constructor(source: string, faults: Fault[]) {
    super(faults.map((fault) => `${source} ${fault.path} ${fault.message}, got ${toShort(fault.seen)}`).join('\n'));
    this.name = 'ParseError';
    this.source = source;
    this.faults = faults;
  }
}

/**
 * Checks `value` against `schema` after filling in the schema's defaults; the input is not changed.
 * @param source where the value comes from (file, variable, request), for the messages
 * @throws ParseError with every fault
 */
export function parse<S extends TSchema>(schema: S, value: unknown, source: string): Static<S> {
  const filled = Value.Default(schema, structuredClone(value));
  if (Value.Check(schema, filled)) return filled;
  const faults: Fault[] = [];
  for (const error of Value.Errors(schema, filled)) {
    if (error.keyword === 'additionalProperties') {
      for (const name of error.params.additionalProperties) {
        const path = `${error.instancePath}/${name}`;
        faults.push({ path, message: 'is not a known property', seen: Value.Pointer.Get(filled, path) });
      }
    } else if (error.keyword !== 'boolean') {
      faults.push({
        path: error.instancePath || '/',
        message: error.message,
        seen: error.instancePath === '' ? filled : Value.Pointer.Get(filled, error.instancePath),
      });
    }
  }
  throw new ParseError(source, faults);
}

function toShort(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

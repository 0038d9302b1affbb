// The JSON Schemas of tool arguments: draft 2020-12, as MCP says (schema, 2025-11-25), or draft-07 where a schema names it.
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { GatewayError } from '../errors.ts';

/** What is wrong with some arguments, one line each; empty: nothing. */
export type CheckArguments = (value: unknown) => string[];

const options = { allErrors: true, strict: false, logger: false, validateSchema: true } as const;

/** @throws Error when it is no JSON Schema */
export function compileSchema(schema: Record<string, unknown>): CheckArguments {
  const isDraft07 = typeof schema['$schema'] === 'string' && schema['$schema'].includes('draft-07');
  // An instance for each: what it has compiled would otherwise stay for ever, under the ids that outside schemas choose.
  const ajv = isDraft07 ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  const check = ajv.compile(schema);
  return (value) =>
    check(value)
      ? []
      : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message ?? 'is not valid'}`);
}

/** @throws GW_INVALID_REQUEST */
export function requireSchema(schema: Record<string, unknown>): void {
  try {
    compileSchema(schema);
  } catch (cause) {
    const message = `is no JSON Schema: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError('GW_INVALID_REQUEST', {
      detail: `body /inputSchema ${message}`,
      faults: [{ path: '/inputSchema', message }],
      cause,
    });
  }
}

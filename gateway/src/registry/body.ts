// Reads request bodies as ContextForge's clients send them: plain or inside `{"tool": {…}}`, names in snake_case or camelCase.
import type { Static, TSchema } from 'typebox';
import { GatewayError } from '../errors.ts';
import { ParseError, parse } from '../parse.ts';

/** Deeper bodies are refused: what walks them calls itself, and a stack has an end. */
const DEPTH_MAX = 100;

/**
 * @param wrapper the property that may hold the object (`tool`, `server` …)
 * @throws GW_INVALID_REQUEST with every fault
 */
export function readBody<S extends TSchema>(schema: S, body: unknown, wrapper: string): Static<S> {
  if (isDeeperThan(body, DEPTH_MAX)) {
    throw new GatewayError('GW_INVALID_REQUEST', { detail: `the body is nested more than ${DEPTH_MAX} levels deep` });
  }
  const inner = isObject(body) && isObject(body[wrapper]) ? body[wrapper] : body;
  return readOutside(schema, isObject(inner) ? withCamelNames(inner) : inner, 'body');
}

/** `parse` with its faults as an answer to the client. @throws GW_INVALID_REQUEST with every fault */
export function readOutside<S extends TSchema>(schema: S, value: unknown, source: string): Static<S> {
  try {
    return parse(schema, value ?? null, source);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new GatewayError('GW_INVALID_REQUEST', { detail: error.message, faults: error.faults, cause: error });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Outer names only: what lies deeper (JSON Schemas, annotations) is the upstream's own. */
function withCamelNames(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      value ?? undefined, // null says "none", as Python clients write it
    ]),
  );
}

function isDeeperThan(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= depthMax; depth += 1) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}

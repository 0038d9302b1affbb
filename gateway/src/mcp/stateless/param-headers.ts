// Arguments that a tool wants repeated in headers, so that what stands between can route by them; they must agree.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#custom-headers-from-tool-parameters
import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from '../messages.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { decodeHeader, encodeHeader } from './header-value.ts';

/** Where the argument stands, and the header's name (lower case, as Node has it). */
export interface ParamHeader {
  path: string[];
  header: string;
}

const ANNOTATION = 'x-mcp-header';
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const MAX_DEPTH = 32;
const PLAIN_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

/** @param toolJson the tool as it is listed */
export function readParamHeaders(toolJson: string): ParamHeader[] {
  if (!toolJson.includes(`"${ANNOTATION}"`)) return [];
  const tool: unknown = JSON.parse(toolJson);
  const found: ParamHeader[] = [];
  if (isObject(tool)) collect(tool['inputSchema'], [], found);
  return found;
}

/** Only chains of `properties` count: what stands elsewhere in the schema is not told by a header. */
function collect(schema: unknown, path: string[], found: ParamHeader[]): void {
  if (!isObject(schema) || path.length > MAX_DEPTH) return;
  const name = schema[ANNOTATION];
  if (path.length > 0 && typeof name === 'string' && TOKEN.test(name)) {
    found.push({ path, header: `mcp-param-${name.toLowerCase()}` });
  }
  const properties = schema['properties'];
  if (!isObject(properties)) return;
  for (const [key, property] of Object.entries(properties)) collect(property, [...path, key], found);
}

/** @throws RpcError -32020 for a header that is missing, broken, or does not say what the argument says */
export function checkParamHeaders(wanted: ParamHeader[], args: unknown, headers: IncomingHttpHeaders): void {
  for (const { path, header } of wanted) {
    const value = valueAt(args, path);
    const seen = headers[header];
    if (value === undefined || value === null) {
      if (seen !== undefined) throw mismatch(header, `is there, and ${path.join('.')} is not`);
      continue;
    }
    if (typeof value === 'object') continue;
    if (seen === undefined) throw mismatch(header, 'is missing');
    if (!isSame(decodeHeader(seen), value)) throw mismatch(header, `does not say what ${path.join('.')} says`);
  }
}

/** The headers for these arguments, as pairs behind each other. What is not there, or no plain value, is not told. */
export function writeParamHeaders(wanted: ParamHeader[], args: unknown): string[] {
  const headers: string[] = [];
  for (const { path, header } of wanted) {
    const value = valueAt(args, path);
    if (value === undefined || value === null || typeof value === 'object') continue;
    headers.push(header, encodeHeader(String(value)));
  }
  return headers;
}

/** A tool whose annotations break the rules must not be offered: its arguments could not be told. */
export function hasValidParamHeaders(tool: Record<string, unknown>): boolean {
  const seen = new Set<string>();
  return isValid(tool['inputSchema'], true, false, seen);
}

/**
 * @param isReachable only `properties` lie between the root and here
 * @param isNamed it is one of the `properties`, not the root itself
 */
function isValid(schema: unknown, isReachable: boolean, isNamed: boolean, seen: Set<string>, depth = 0): boolean {
  if (Array.isArray(schema)) return schema.every((one) => isValid(one, false, false, seen, depth + 1));
  if (!isObject(schema)) return true;
  // Deeper ones are not read as headers either.
  if (depth > MAX_DEPTH * 2) return true;
  if (ANNOTATION in schema) {
    const name = schema[ANNOTATION];
    if (!isReachable || !isNamed || typeof name !== 'string' || !TOKEN.test(name)) return false;
    if (!PLAIN_TYPES.has(schema['type']) || seen.has(name.toLowerCase())) return false;
    seen.add(name.toLowerCase());
  }
  return Object.entries(schema).every(([key, value]) => {
    if (key !== 'properties' || !isObject(value)) return isValid(value, false, false, seen, depth + 1);
    return Object.values(value).every((property) => isValid(property, isReachable, true, seen, depth + 1));
  });
}

/** Numbers by their value: `42.0` says 42. */
function isSame(header: string | undefined, value: unknown): boolean {
  if (header === undefined) return false;
  if (typeof value === 'number') return header.trim() !== '' && Number(header) === value;
  return header === String(value);
}

function valueAt(args: unknown, path: string[]): unknown {
  let value = args;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function mismatch(header: string, what: string): RpcError {
  return new RpcError(rpcCodes.headerMismatch, `Header mismatch: ${header} ${what}`);
}

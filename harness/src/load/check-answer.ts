// Whether an answer is the expected one. A 200 with a wrong body is an error. scenarios/k6/answer.ts says the same in k6's terms.
import type { PreparedCheck, PreparedRequest } from './driver.ts';

/** What is wrong with an answer: the kind that `ErrorCount` knows and which condition failed. */
export interface Fault {
  kind: 'status' | 'body';
  detail: string;
}

/** The value at a dotted path, undefined when there is none. */
export function valueAt(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split('.')) {
    if (current === null || typeof current !== 'object') return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

/**
 * The JSON text of a body: itself, or the data of the last SSE event that has any (a server may send notifications
 * before the answer, https://modelcontextprotocol.io/specification/2025-06-18/basic/transports).
 */
export function jsonText(body: string): string {
  const first = body.trimStart()[0];
  if (first === '{' || first === '[') return body;
  let last = '';
  for (const event of body.replaceAll('\r\n', '\n').split('\n\n')) {
    const data = event
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line[5] === ' ' ? 6 : 5))
      .join('\n');
    if (data !== '') last = data;
  }
  return last === '' ? body : last;
}

/** @returns null when the answer is right. */
export function checkAnswer(request: PreparedRequest, status: number, body: string): Fault | null {
  const { expect } = request;
  if (status !== expect.status) return { kind: 'status', detail: String(status) };
  if (!expect.jsonRpc && expect.body.length === 0) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(jsonText(body));
  } catch {
    return { kind: 'body', detail: 'not JSON' };
  }
  const detail = (expect.jsonRpc ? jsonRpcFault(parsed, request.rpcId) : null) ?? bodyFault(parsed, expect.body);
  return detail === null ? null : { kind: 'body', detail };
}

function jsonRpcFault(answer: unknown, rpcId: number | null): string | null {
  const code = valueAt(answer, 'error.code');
  if (code !== undefined) return `JSON-RPC error ${code}`;
  if (valueAt(answer, 'result') === undefined) return 'no JSON-RPC result';
  if (rpcId !== null && valueAt(answer, 'id') !== rpcId) return 'JSON-RPC id of another request';
  return valueAt(answer, 'result.isError') === true ? 'result.isError' : null;
}

/** Compiled once: this is asked of every answer under load. */
const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    pattern = new RegExp(source);
    patterns.set(source, pattern);
  }
  return pattern;
}

function bodyFault(answer: unknown, checks: PreparedCheck[]): string | null {
  for (const check of checks) {
    const value = valueAt(answer, check.path);
    if (check.exists !== undefined && (value !== undefined) !== check.exists) {
      return `${check.path} ${check.exists ? 'is missing' : 'is there'}`;
    }
    const { equals, contains, matches, template: shown = check } = check;
    if (equals !== undefined && value !== equals) return `${check.path} is not ${shown.equals}`;
    if (contains !== undefined && !(typeof value === 'string' && value.includes(contains))) {
      return `${check.path} does not contain ${shown.contains}`;
    }
    if (matches !== undefined && !(typeof value === 'string' && patternOf(matches).test(value))) {
      return `${check.path} does not match ${shown.matches}`;
    }
    if (check.minItems !== undefined && !(Array.isArray(value) && value.length >= check.minItems)) {
      return `${check.path} has fewer than ${check.minItems} items`;
    }
  }
  return null;
}

/** Bytes of right bodies that are kept; past this every body is parsed. */
const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Checks bodies as they come from the socket. A body that is byte-equal to one found right for the same request is not
 * parsed again: on a repeated list this takes the check from microseconds per kilobyte to a memory comparison.
 * @param keepWrong for the ceiling, where one answer stands for all and its check has to cost the same
 */
export function createChecker(requests: PreparedRequest[], keepWrong = false): Checker {
  const right: (Buffer | undefined)[] = new Array(requests.length);
  let kept = 0;
  return (index, status, body) => {
    const request = requests[index] as PreparedRequest;
    if (status === request.expect.status && right[index]?.equals(body)) return null;
    const fault = checkAnswer(request, status, body.toString('utf8'));
    if ((fault === null || keepWrong) && right[index] === undefined && kept + body.length <= MEMORY_LIMIT_BYTES) {
      right[index] = body;
      kept += body.length;
    }
    return fault;
  };
}

export type Checker = (requestIndex: number, status: number, body: Buffer) => Fault | null;

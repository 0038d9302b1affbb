// Whether an answer is the expected one, in k6's terms: by response.json(path), which is native (gjson), not by parsing in
// the script. The same rules as harness/src/load/check-answer.ts; one suite of answers runs against both.
import type { Response } from 'k6/http';

export interface Check {
  path: string;
  equals?: string | number | boolean;
  contains?: string;
  matches?: string;
  /** As the scenario has it, where a template was filled in. */
  template?: Check;
  minItems?: number;
  exists?: boolean;
}

export interface Expect {
  status: number;
  jsonRpc: boolean;
  body: Check[];
}

export interface Fault {
  kind: 'status' | 'body';
  detail: string;
}

/** gjson takes these characters as syntax; here they are part of a name. */
function toGjson(path: string): string {
  return path.replace(/[*?|#@!{}[\]()=<>%"\\:]/g, '\\$&');
}

function valueAt(response: Response, path: string): unknown {
  return response.json(path);
}

/** The data of the last SSE event that has any; the body itself when it is none. */
function jsonText(body: string): string {
  const first = body.trimStart()[0];
  if (first === '{' || first === '[') return body;
  let last = '';
  for (const event of body.split(/\r?\n\r?\n/)) {
    const data = event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line[5] === ' ' ? 6 : 5))
      .join('\n');
    if (data !== '') last = data;
  }
  return last === '' ? body : last;
}

/** @returns null when the answer is right. */
export function checkAnswer(response: Response, expect: Expect, rpcId: number | null): Fault | null {
  if (response.status !== expect.status) return { kind: 'status', detail: `${response.status}` };
  if (!expect.jsonRpc && expect.body.length === 0) return null;
  if (typeof response.body !== 'string' || response.body === '') return { kind: 'body', detail: 'not JSON' };
  // json() reads the body when it is asked, so an SSE answer is read after its frame is taken off.
  response.body = jsonText(response.body);
  if (valueAt(response, '@valid') === undefined) return { kind: 'body', detail: 'not JSON' };
  const detail = (expect.jsonRpc ? jsonRpcFault(response, rpcId) : null) ?? bodyFault(response, expect.body);
  return detail === null ? null : { kind: 'body', detail };
}

function jsonRpcFault(response: Response, rpcId: number | null): string | null {
  const code = valueAt(response, 'error.code');
  if (code !== undefined) return `JSON-RPC error ${code}`;
  // The names at the top, not the result itself: it may be large, and it would become a script value.
  const names = valueAt(response, '@keys');
  if (!Array.isArray(names) || !names.includes('result')) return 'no JSON-RPC result';
  if (rpcId !== null && valueAt(response, 'id') !== rpcId) return 'JSON-RPC id of another request';
  return valueAt(response, 'result.isError') === true ? 'result.isError' : null;
}

/** Compiled once: a virtual user sends hundreds of requests with the same pattern. */
const patterns = new Map<string, RegExp>();

function toPattern(text: string): RegExp {
  const known = patterns.get(text);
  if (known !== undefined) return known;
  const pattern = new RegExp(text);
  patterns.set(text, pattern);
  return pattern;
}

function bodyFault(response: Response, checks: Check[]): string | null {
  for (const check of checks) {
    const path = toGjson(check.path);
    if (check.minItems !== undefined) {
      const count = valueAt(response, `${path}.#`);
      if (typeof count !== 'number' || count < check.minItems) {
        return `${check.path} has fewer than ${check.minItems} items`;
      }
    }
    const { exists, equals, contains, matches, template: shown = check } = check;
    if ([exists, equals, contains, matches].every((condition) => condition === undefined)) continue;
    const value = valueAt(response, path);
    if (exists !== undefined && (value !== undefined) !== exists) {
      return `${check.path} ${exists ? 'is missing' : 'is there'}`;
    }
    if (equals !== undefined && value !== equals) return `${check.path} is not ${shown.equals}`;
    if (contains !== undefined && !(typeof value === 'string' && value.includes(contains))) {
      return `${check.path} does not contain ${shown.contains}`;
    }
    if (matches !== undefined && !(typeof value === 'string' && toPattern(matches).test(value))) {
      return `${check.path} does not match ${shown.matches}`;
    }
  }
  return null;
}

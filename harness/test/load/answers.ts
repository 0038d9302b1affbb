// Answers and what a driver must make of them: one list, run against the checks of both drivers.
import type { PreparedRequest } from '../../src/load/driver.ts';

type Expect = PreparedRequest['expect'];

export interface AnswerCase {
  title: string;
  status: number;
  contentType: string;
  body: string;
  expect: Expect;
  outcome: 'ok' | 'status' | 'body';
  detail: string;
}

export const RPC_ID = 7;

const rpc: Expect = { status: 200, jsonRpc: true, body: [] };
const FULL_TIME = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(Z|[+-]\\d\\d:\\d\\d)$';
const json = 'application/json';
const sse = 'text/event-stream';
const result = (value: unknown, id = RPC_ID): string => JSON.stringify({ jsonrpc: '2.0', id, result: value });
const checked = (...body: Expect['body']): Expect => ({ status: 200, jsonRpc: false, body });

function answer(title: string, body: string, expect: Expect, detail = '', more: Partial<AnswerCase> = {}): AnswerCase {
  const outcome = detail === '' ? 'ok' : 'body';
  return { title, status: 200, contentType: json, body, expect, outcome, detail, ...more };
}

export const answerCases: AnswerCase[] = [
  answer('a result with the id of the request', result({ tools: [] }), rpc),
  answer('an empty result', result({}), rpc),
  answer('a result in an SSE event', `event: message\ndata: ${result({ a: 1 })}\n\n`, rpc, '', { contentType: sse }),
  answer(
    'a result in an SSE event after a notification',
    `data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\nid: 4\ndata: ${result({ a: 1 })}\n\n`,
    rpc,
    '',
    { contentType: sse },
  ),
  answer('a result with text of many scripts', result({ text: 'Ünï – 日本語 – 👩‍🚀' }), {
    ...rpc,
    body: [{ path: 'result.text', equals: 'Ünï – 日本語 – 👩‍🚀' }],
  }),
  answer(
    'a JSON-RPC error with 200',
    JSON.stringify({ jsonrpc: '2.0', id: RPC_ID, error: { code: -32602, message: 'no' } }),
    rpc,
    'JSON-RPC error -32602',
  ),
  answer('a result of another request', result({ a: 1 }, 8), rpc, 'JSON-RPC id of another request'),
  answer('a tool that failed', result({ isError: true, content: [] }), rpc, 'result.isError'),
  answer('neither result nor error', JSON.stringify({ jsonrpc: '2.0', id: RPC_ID }), rpc, 'no JSON-RPC result'),
  answer('a page instead of JSON', '<html>sorry</html>', rpc, 'not JSON'),
  answer('an empty body', '', rpc, 'not JSON'),
  answer('a 500', 'broken', rpc, '500', { status: 500, outcome: 'status' }),
  answer('a 401 with a JSON body', '{"detail":"no token"}', rpc, '401', { status: 401, outcome: 'status' }),
  answer('any body when only the status counts', 'healthy', checked()),
  answer('a list that is long enough', '{"result":{"tools":[1,2,3]}}', checked({ path: 'result.tools', minItems: 3 })),
  answer(
    'a list that is too short',
    '{"result":{"tools":[1,2]}}',
    checked({ path: 'result.tools', minItems: 3 }),
    'result.tools has fewer than 3 items',
  ),
  answer(
    'a text where a list is expected',
    '{"tools":"many"}',
    checked({ path: 'tools', minItems: 1 }),
    'tools has fewer than 1 items',
  ),
  answer('a value within a list', '{"c":[{"text":"12:00 UTC"}]}', checked({ path: 'c.0.text', contains: 'UTC' })),
  answer(
    'a text without what it should contain',
    '{"c":[{"text":"12:00"}]}',
    checked({ path: 'c.0.text', contains: 'UTC' }),
    'c.0.text does not contain UTC',
  ),
  answer('a time in its full form', `{"at":"2026-11-20T09:30:00+05:30"}`, checked({ path: 'at', matches: FULL_TIME })),
  answer(
    'a text around a time',
    `{"at":"It is 2026-11-20T09:30:00Z"}`,
    checked({ path: 'at', matches: FULL_TIME }),
    `at does not match ${FULL_TIME}`,
  ),
  answer(
    'a number where a text is expected',
    '{"at":20261120}',
    checked({ path: 'at', matches: '2026' }),
    'at does not match 2026',
  ),
  answer(
    'a text of many scripts without what this request asked for',
    '{"text":"größe 測試 終わり 8."}',
    checked({ path: 'text', contains: '終わり 7.', template: { path: 'text', contains: '終わり {{id}}.' } }),
    'text does not contain 終わり {{id}}.',
  ),
  answer(
    'a text of many scripts with what this request asked for',
    '{"text":"größe 測試 終わり 7."}',
    checked({ path: 'text', contains: '終わり 7.', template: { path: 'text', contains: '終わり {{id}}.' } }),
  ),
  answer('another value', '{"status":"sick"}', checked({ path: 'status', equals: 'healthy' }), 'status is not healthy'),
  answer('a name with a character that gjson reads', '{"a|b#c":true}', checked({ path: 'a|b#c', equals: true })),
  answer('a null that is there', '{"next":null}', checked({ path: 'next', exists: true })),
  answer('a value that is missing', '{}', checked({ path: 'next', exists: true }), 'next is missing'),
  answer('a value that should not be', '{"error":1}', checked({ path: 'error', exists: false }), 'error is there'),
];

/** A request for the case with this place in the list: the server of the test answers `/<place>`. */
export function toRequest(answerCase: AnswerCase, place: number): PreparedRequest {
  return {
    name: answerCase.title,
    method: 'POST',
    path: `/${place}`,
    headers: { 'content-type': json, accept: `${json}, ${sse}` },
    auth: true,
    body: JSON.stringify({ jsonrpc: '2.0', id: RPC_ID, method: 'test' }),
    rpcId: RPC_ID,
    expect: answerCase.expect,
  };
}

import { expect, test } from 'vitest';
import { MAX_BATCH, parseBody, readBatch, readMessage, toResultText } from '../../src/mcp/messages.ts';

const read = (text: string) => readMessage(JSON.parse(text), text);

test('[MCP-RPC-01] text that is not JSON is a parse error', () => {
  expect(() => parseBody('{"jsonrpc":')).toThrow(expect.objectContaining({ code: -32700 }));
});

test.each([
  ['null', 'null'],
  ['"x"', 'null'],
  ['{"id":7,"method":"ping"}', '7'],
  ['{"jsonrpc":"1.0","id":"a","method":"ping"}', '"a"'],
  ['{"jsonrpc":"2.0","id":7}', '7'],
  ['{"jsonrpc":"2.0","id":7,"method":5}', '7'],
])('[MCP-RPC-02] %s is an invalid request', (text, idJson) => {
  expect(read(text)).toMatchObject({ idJson, error: { code: -32600 } });
});

test.each(['null', 'true', '{}', '[1]'])('[MCP-RPC-07] id %s is refused', (id) => {
  expect(read(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).toMatchObject({
    idJson: 'null',
    error: { code: -32600 },
  });
});

test.each(['"a\\"b"', '0', '-1', '9007199254740993', '1.5'])('[MCP-RPC-06] id %s is kept as it was sent', (id) => {
  expect(read(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).toMatchObject({ idJson: id });
});

test('[MCP-RPC-04] params by position are refused: MCP names them', () => {
  expect(read('{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}')).toMatchObject({ error: { code: -32602 } });
});

test('[MCP-RPC-08] a response is told from a request', () => {
  expect(read('{"jsonrpc":"2.0","id":"a","result":{ "n":1.0}}')).toEqual({
    answersId: '"a"',
    answer: { ok: true, resultJson: '{ "n":1.0}' },
  });
  expect(read('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no","data":7}}')).toEqual({
    answersId: '1',
    answer: { ok: false, error: { code: -1, message: 'no', data: 7 } },
  });
  expect(read('{"jsonrpc":"2.0","id":1,"result":7}')).toMatchObject({ answer: { ok: false } });
  expect(read('{"jsonrpc":"2.0","method":"notifications/initialized"}')).toMatchObject({ idJson: undefined });
});

test('a batch must not be empty, nor larger than its bound', () => {
  expect(() => readBatch([], '[]')).toThrow(expect.objectContaining({ code: -32600 }));
  const many = Array.from({ length: MAX_BATCH + 1 }, () => 1);
  expect(() => readBatch(many, JSON.stringify(many))).toThrow(expect.objectContaining({ code: -32600 }));
});

test('each message of a batch is read on its own', () => {
  const text = '[{"jsonrpc":"2.0","id":1,"method":"ping"}, 5]';
  expect(readBatch(JSON.parse(text) as unknown[], text)).toMatchObject([
    { idJson: '1', method: 'ping' },
    { idJson: 'null', error: { code: -32600 } },
  ]);
});

test('a result goes into its answer as it stands', () => {
  expect(toResultText('"x"', '{"n":12345678901234567890}')).toBe(
    '{"jsonrpc":"2.0","id":"x","result":{"n":12345678901234567890}}',
  );
});

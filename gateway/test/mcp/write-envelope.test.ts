import { expect, test } from 'vitest';
import { hasValidParamHeaders } from '../../src/mcp/stateless/param-headers.ts';
import { toEnvelope, toMetadataHeaders, withEnvelope } from '../../src/mcp/stateless/write-envelope.ts';

const envelope = toEnvelope({ clientCapabilities: { roots: {} }, logLevel: 'info' });
const version = 'io.modelcontextprotocol/protocolVersion';

test.each([
  undefined,
  '{}',
  ' { } ',
  '{"name":"x","arguments":{"n":12345678901234567890,"_meta":1}}',
  '{"_meta":{},"name":"x"}',
  '{"name":"x","_meta":{"progressToken":1,"traceparent":"00-a"}}',
  `{"_meta":{"${version}":"2025-06-18","kept":"a\\"b"},"name":"x"}`,
  '{"\\u005fmeta":{"progressToken":3},"name":"x"}',
  '{"_meta":{"io.modelcontextprotocol\\/protocolVersion":"2024-11-05","progressToken":2}}',
  '{"_meta":5}',
])('the envelope is in _meta once, and what else is in %s stays', (paramsJson) => {
  const text = withEnvelope(paramsJson, envelope);
  const { _meta, ...rest } = JSON.parse(text) as { _meta: Record<string, unknown> };
  const { _meta: before, ...restBefore } = JSON.parse(paramsJson ?? '{}') as { _meta?: Record<string, unknown> };
  expect(rest).toEqual(restBefore);
  const kept = Object.entries(before ?? {}).filter(([key]) => key !== version);
  expect(_meta).toEqual({ ...Object.fromEntries(kept), ...(JSON.parse(`{${envelope}}`) as object) });
  expect(text.split(`"${version}"`)).toHaveLength(2);
});

test('numbers that JavaScript cannot hold go on as they were written', () => {
  expect(withEnvelope('{"arguments":{"n":12345678901234567890}}', envelope)).toContain('12345678901234567890');
});

test('names and arguments go into headers, encoded where they must be', () => {
  const wanted = [
    { path: ['region'], header: 'mcp-param-region' },
    { path: ['at', 'size'], header: 'mcp-param-size' },
    { path: ['on'], header: 'mcp-param-on' },
  ];
  const params = '{"name":" x","arguments":{"region":"größe","at":{"size":42},"on":null}}';
  expect(toMetadataHeaders('tools/call', params, wanted)).toEqual([
    'mcp-method',
    'tools/call',
    'mcp-name',
    '=?base64?IHg=?=',
    'mcp-param-region',
    '=?base64?Z3LDtsOfZQ==?=',
    'mcp-param-size',
    '42',
  ]);
  expect(toMetadataHeaders('tools/list', '{"name":"x"}', [])).toEqual(['mcp-method', 'tools/list']);
});

const annotated = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name });
test.each<[boolean, string, object]>([
  [true, 'none', { properties: { a: { type: 'number' } } }],
  [
    true,
    'nested',
    { properties: { a: { properties: { b: annotated('B', 'integer') } }, c: annotated('C', 'boolean') } },
  ],
  [true, 'a property of that name', { properties: { 'x-mcp-header': { type: 'string' } } }],
  [false, 'of a number', { properties: { a: annotated('A', 'number') } }],
  [false, 'empty', { properties: { a: annotated('') } }],
  [false, 'with a line break', { properties: { a: annotated('A\r\nB') } }],
  [false, 'no string', { properties: { a: annotated(1) } }],
  [false, 'twice the same', { properties: { a: annotated('A'), b: annotated('a') } }],
  [false, 'in an array', { properties: { a: { type: 'array', items: annotated('A') } } }],
  [false, 'in anyOf', { properties: { a: { anyOf: [annotated('A')] } } }],
  [false, 'of the root', { ...annotated('A'), properties: {} }],
  [false, 'below items', { properties: { a: { items: { properties: { b: annotated('B') } } } } }],
])('valid: %s for an annotation %s', (isValid, _what, inputSchema) => {
  expect(hasValidParamHeaders({ name: 't', inputSchema })).toBe(isValid);
});

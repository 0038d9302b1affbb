import { expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { dispatch } from '../../src/mcp/dispatch.ts';
import { readMessage } from '../../src/mcp/messages.ts';
import type { Forwarded, McpPorts } from '../../src/mcp/ports.ts';
import { latestVersion, supportedVersions } from '../../src/mcp/versions.ts';
import { callerOf } from '../caller-of.ts';

const caller = callerOf({ serverId: 'server-1' });

function createPorts(overrides: Partial<McpPorts> = {}) {
  const forwarded: Forwarded[] = [];
  const failures: unknown[] = [];
  const ports: McpPorts = {
    list: (kind, cursor, serverId) => JSON.stringify({ [kind]: [], asked: [cursor, serverId] }),
    has: (_kind, name) => name === 'convert_time',
    async forward(one) {
      forwarded.push(one);
      if (one.name === 'missing' || one.name === 'file:///missing') return undefined;
      if (one.name === 'failing') return { ok: false, error: { code: -32050, message: 'upstream says no', data: [1] } };
      return { ok: true, resultJson: '{"content":[],"n":12345678901234567890}' };
    },
    broadcast: async () => undefined,
    failed: (_method, error) => failures.push(error),
    ...overrides,
  };
  return { ports, forwarded, failures };
}

async function ask(method: string, params: string | undefined, ports: McpPorts, allowToolNames = false) {
  const text = `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)}${params === undefined ? '' : `,"params":${params}`}}`;
  const message = readMessage(JSON.parse(text), text);
  if (!('method' in message) || message.idJson === undefined) throw new Error('no request');
  return dispatch({ ...message, idJson: message.idJson }, ports, caller, allowToolNames);
}

const parsed = async (answer: string | Promise<string>) => JSON.parse(await answer) as unknown;

test.each(supportedVersions)('[MCP-LIFE-01] initialize agrees on %s', async (protocolVersion) => {
  const { ports } = createPorts();
  expect(await parsed(ask('initialize', JSON.stringify({ protocolVersion }), ports))).toMatchObject({
    result: { protocolVersion },
  });
});

test('[MCP-LIFE-02] initialize offers the latest version to a client of another age', async () => {
  const { ports } = createPorts();
  expect(await parsed(ask('initialize', '{"protocolVersion":"1999-01-01"}', ports))).toMatchObject({
    result: { protocolVersion: latestVersion },
  });
});

test('[MCP-LIFE-03] initialize states what is offered', async () => {
  const { ports } = createPorts();
  expect(await parsed(ask('initialize', '{"protocolVersion":"2025-06-18"}', ports))).toMatchObject({
    result: { capabilities: { tools: {}, resources: {}, prompts: {} }, serverInfo: { name: 'gatebench-gateway' } },
  });
});

test('[MCP-RPC-04] initialize without a version is refused', async () => {
  const { ports } = createPorts();
  expect(await parsed(ask('initialize', '{}', ports))).toMatchObject({ error: { code: -32602 } });
});

test('[MCP-LIFE-04] ping is answered with an empty result', async () => {
  expect(await ask('ping', undefined, createPorts().ports)).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
});

test.each([
  ['tools/list', 'tools'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
  ['prompts/list', 'prompts'],
])('%s asks for its kind, page and server', async (method, kind) => {
  expect(await parsed(ask(method, '{"cursor":"c"}', createPorts().ports))).toMatchObject({
    result: { [kind]: [], asked: ['c', 'server-1'] },
  });
});

test('an answer from memory is no promise', () => {
  const message = { idJson: '1', method: 'tools/list', params: undefined, paramsJson: undefined };
  expect(typeof dispatch(message, createPorts().ports, caller, false)).toBe('string');
});

test('[MCP-TOOL-02] tools/call hands on the arguments as they were written, and the result', async () => {
  const { ports, forwarded } = createPorts();
  const params = '{"name":"convert_time","arguments":{"2":1, "1":98765432109876543210}}';
  expect(await ask('tools/call', params, ports)).toBe(
    '{"jsonrpc":"2.0","id":1,"result":{"content":[],"n":12345678901234567890}}',
  );
  expect(forwarded).toMatchObject([{ kind: 'tools', name: 'convert_time', nameMember: 'name', paramsJson: params }]);
});

test.each([
  ['MCP-TOOL-03', 'tools/call', '{"name":"missing"}', -32602],
  ['MCP-PROMPT-03', 'prompts/get', '{"name":"missing"}', -32602],
  ['MCP-RES-03', 'resources/read', '{"uri":"file:///missing"}', -32002],
])('%s: %s of something unknown', async (_id, method, params, code) => {
  expect(await parsed(ask(method, params, createPorts().ports))).toMatchObject({ error: { code } });
});

test('[MCP-TOOL-03] [MCP-PROMPT-03] [MCP-RES-03] the error names what is unknown', async () => {
  const { ports } = createPorts();
  expect(await ask('tools/call', '{"name":"missing"}', ports)).toContain('Unknown tool: missing');
  expect(await ask('prompts/get', '{"name":"missing"}', ports)).toContain('Unknown prompt: missing');
  expect(await parsed(ask('resources/read', '{"uri":"file:///missing"}', ports))).toMatchObject({
    error: { data: { uri: 'file:///missing' } },
  });
});

test.each([
  ['tools/call', undefined],
  ['tools/call', '{"name":5}'],
  ['tools/call', '{"name":"convert_time","arguments":[1]}'],
  ['resources/read', '{"name":"x"}'],
  ['tools/list', '{"cursor":5}'],
])('[MCP-RPC-04] %s refuses params %s', async (method, params) => {
  expect(await parsed(ask(method, params, createPorts().ports))).toMatchObject({ error: { code: -32602 } });
});

test('[MCP-UP-07] the error of an upstream passes with its code, message and data', async () => {
  expect(await parsed(ask('tools/call', '{"name":"failing"}', createPorts().ports))).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32050, message: 'upstream says no', data: [1] },
  });
});

test.each(['no/such', 'constructor', '__proto__', 'toString'])('[MCP-RPC-03] %s is no method', async (method) => {
  expect(await parsed(ask(method, '{}', createPorts().ports))).toMatchObject({ error: { code: -32601 } });
});

test('a bare tool name calls that tool where it is allowed, and nowhere else', async () => {
  const { ports, forwarded } = createPorts();
  await ask('convert_time', '{"zone":"UTC"}', ports, true);
  expect(forwarded).toMatchObject([
    { name: 'convert_time', paramsJson: '{"name":"convert_time","arguments":{"zone":"UTC"}}' },
  ]);
  expect(await parsed(ask('convert_time', '{}', ports, false))).toMatchObject({ error: { code: -32601 } });
  expect(await parsed(ask('no_such_tool', '{}', ports, true))).toMatchObject({ error: { code: -32601 } });
});

test('[MCP-RPC-05] a bug is answered with -32603, reported, and not told', async () => {
  const { ports, failures } = createPorts({
    list() {
      throw new Error('password=hunter2');
    },
  });
  const answer = await ask('tools/list', undefined, ports);
  expect(JSON.parse(answer)).toMatchObject({ error: { code: -32603 } });
  expect(answer).not.toContain('hunter2');
  expect(failures).toHaveLength(1);
});

test('our own failures keep their code on the wire, whether thrown at once or later', async () => {
  const down = new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: 'down' });
  const now = createPorts({
    list() {
      throw down;
    },
  });
  const later = createPorts({ list: () => Promise.reject(down) });
  for (const { ports } of [now, later]) {
    expect(await parsed(ask('tools/list', undefined, ports))).toMatchObject({
      error: { data: { code: 'GW_DATABASE_UNAVAILABLE' } },
    });
  }
});

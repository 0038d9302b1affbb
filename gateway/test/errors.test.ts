import { expect, it } from 'vitest';
import { errors, GatewayError, toJsonRpcError } from '../src/errors.ts';
import { rpcCodes } from '../src/mcp/rpc-error.ts';

it('has a message, a hint, a status and a JSON-RPC number for every code', () => {
  for (const [code, row] of Object.entries(errors)) {
    expect(code).toMatch(/^GW_[A-Z_]+$/);
    expect(row.message.length, code).toBeGreaterThan(5);
    expect(row.hint.length, code).toBeGreaterThan(5);
    expect(row.status, code).toBeGreaterThanOrEqual(400);
    const isServerCode = row.rpcCode <= -32000 && row.rpcCode >= -32099;
    expect(isServerCode || [-32600, -32602, -32603].includes(row.rpcCode), code).toBe(true);
  }
});

it('gives each number one meaning, and none that MCP gives it', () => {
  const protocol = new Set<number>(Object.values(rpcCodes));
  const owners = new Map<number, string[]>();
  for (const [code, { rpcCode }] of Object.entries(errors)) {
    if (rpcCode > -32000 || rpcCode < -32099) continue;
    expect(protocol.has(rpcCode), code).toBe(false);
    owners.set(rpcCode, [...(owners.get(rpcCode) ?? []), code]);
  }
  // Both with an HTTP status of their own; clients know -32001 as either.
  const shared = [...owners.values()].filter(({ length }) => length > 1);
  expect(shared).toEqual([['GW_UNAUTHORIZED', 'GW_SESSION_NOT_FOUND']]);
});

it('never sends a client-fault code for our own failure', () => {
  for (const [code, row] of Object.entries(errors)) {
    if (row.status >= 500) expect([-32600, -32601, -32602], code).not.toContain(row.rpcCode);
  }
});

it('tells a JSON-RPC client what failed and what to try, and keeps the cause', () => {
  const cause = new Error('socket');
  const error = new GatewayError('GW_UPSTREAM_TIMEOUT', { detail: 'http://a after 5 s', cause });
  expect(error.cause).toBe(cause);
  expect(toJsonRpcError(error)).toEqual({
    code: errors.GW_UPSTREAM_TIMEOUT.rpcCode,
    message: 'the upstream MCP server did not answer in time: http://a after 5 s',
    data: { code: 'GW_UPSTREAM_TIMEOUT', hint: errors.GW_UPSTREAM_TIMEOUT.hint },
  });
});

it('tells nothing of the inside when the error is not ours', () => {
  expect(toJsonRpcError(new Error('password=secret'))).toEqual({ code: -32603, message: 'the gateway failed' });
});

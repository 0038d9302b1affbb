import { expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { parseGatewayCreate, parseGatewayUpdate } from '../../src/registry/gateway-body.ts';
import { toolRules } from '../../src/registry/tools.ts';

function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'GW_INVALID_REQUEST')
      return error.faults.map((fault) => fault.path);
    throw error;
  }
  return [];
}

const gateway = (more: object = {}) => ({ name: 'a', url: 'http://127.0.0.1:1/mcp', ...more });

it('reads bodies plain or wrapped, in snake_case or camelCase, with null for what is not there', () => {
  const wanted = toolRules.parseCreate({
    name: 't',
    gatewayId: 'g',
    originalName: 'o',
    inputSchema: { type: 'object' },
  });
  const snake = { name: 't', gateway_id: 'g', original_name: 'o', input_schema: { type: 'object' }, description: null };
  expect(toolRules.parseCreate({ tool: snake, team_id: null })).toEqual(wanted);
  expect(toolRules.parseCreate(snake)).toEqual(wanted);
});

it('leaves names inside schemas and annotations as they are', () => {
  const { mcp } = toolRules.parseCreate({
    name: 't',
    gateway_id: 'g',
    input_schema: { type: 'object', properties: { time_zone: {} } },
  });
  expect(mcp['inputSchema']).toEqual({ type: 'object', properties: { time_zone: {} } });
});

it('refuses what is no object at all', () => {
  for (const body of [undefined, null, [], 'text', 5]) {
    expect(faultsOf(() => toolRules.parseCreate(body))).not.toEqual([]);
  }
});

it('turns each kind of credentials into headers', () => {
  const authOf = (more: object) => parseGatewayCreate(gateway(more)).auth;
  expect(authOf({})).toBeUndefined();
  expect(authOf({ auth_type: 'none' })).toEqual({ type: null, headers: {} });
  expect(authOf({ auth_type: 'basic', auth_username: 'u', auth_password: 'p' })?.headers).toEqual({
    authorization: 'Basic dTpw',
  });
  expect(authOf({ auth_type: 'authheaders', auth_header_key: 'X-Key', auth_header_value: 'v' })?.headers).toEqual({
    'x-key': 'v',
  });
  expect(authOf({ auth_type: 'authheaders', auth_headers: [{ key: 'A', value: '1' }] })?.headers).toEqual({ a: '1' });
});

it('refuses credentials that do not say what they are, new or changed', () => {
  for (const credential of [
    { auth_token: 't' },
    { auth_username: 'u', auth_password: 'p' },
    { auth_header_key: 'X-Key', auth_header_value: 'v' },
    { auth_headers: [{ key: 'A', value: '1' }] },
  ]) {
    expect(faultsOf(() => parseGatewayCreate(gateway(credential)))).toEqual(['/authType']);
    expect(faultsOf(() => parseGatewayUpdate(credential))).toEqual(['/authType']);
  }
  expect(parseGatewayUpdate({ name: 'b', auth_token: null }).auth).toBeUndefined();
});

it('refuses credentials that are not whole, and a header that would smuggle in another', () => {
  expect(faultsOf(() => parseGatewayCreate(gateway({ auth_type: 'bearer' })))).toEqual(['/authToken']);
  expect(faultsOf(() => parseGatewayCreate(gateway({ auth_type: 'bearer', auth_token: 'a\r\nX-Evil: 1' })))).toEqual([
    '/authToken',
  ]);
  expect(faultsOf(() => parseGatewayUpdate({ url: 'http://user:word@host/' }))).toEqual(['/url']);
  expect(faultsOf(() => parseGatewayUpdate({ url: 'http://' }))).toEqual(['/url']);
});

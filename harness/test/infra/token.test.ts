import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { signToken } from '../../src/infra/token.ts';

it('a token is signed with the secret, names a subject and outlives any run', () => {
  const token = signToken('a secret', Date.UTC(2026, 10, 20));
  const [header = '', claims = '', signature] = token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(signature).toBe(createHmac('sha256', 'a secret').update(`${header}.${claims}`).digest('base64url'));
  expect(read(header)).toEqual({ alg: 'HS256', typ: 'JWT' });
  expect(read(claims)).toMatchObject({ sub: 'harness', iat: 1_795_132_800, exp: 1_795_737_600 });
});

it.each([
  ['those of `gateway token`', {}, { aud: 'mcpgateway-api', iss: 'mcpgateway' }],
  ['those of `gateway token` for empty settings', { audience: '', issuer: '' }, { aud: 'mcpgateway-api' }],
  ['what a server profile asks for', { audience: 'bench', issuer: 'lab' }, { aud: 'bench', iss: 'lab' }],
])('audience and issuer of a token are %s', (_name, demands, expected) => {
  const [, claims = ''] = signToken('a secret', 0, demands).split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject(expected);
});

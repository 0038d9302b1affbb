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

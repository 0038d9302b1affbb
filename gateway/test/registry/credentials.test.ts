import { expect, it } from 'vitest';
import { createCredentialBox } from '../../src/registry/credentials.ts';

const secrets = { AUTH_ENCRYPTION_SECRET: 'one secret', JWT_SECRET_KEY: '' };

it('seals a text so that only the same secret opens it, differently each time', () => {
  const box = createCredentialBox(secrets);
  const sealed = box.seal('{"authorization":"Bearer x"}');
  expect(sealed).not.toContain('Bearer');
  expect(box.seal('{"authorization":"Bearer x"}')).not.toBe(sealed);
  expect(createCredentialBox(secrets).open(sealed)).toBe('{"authorization":"Bearer x"}');
  const other = createCredentialBox({ ...secrets, AUTH_ENCRYPTION_SECRET: 'another secret' });
  expect(() => other.open(sealed)).toThrow(expect.objectContaining({ code: 'GW_CREDENTIALS_UNREADABLE' }));
});

it('refuses what was changed in the database', () => {
  const box = createCredentialBox(secrets);
  const sealed = box.seal('secret');
  const changed = sealed.slice(0, -4) + (sealed.endsWith('AAA=') ? 'BBB=' : 'AAA=');
  expect(() => box.open(changed)).toThrow(expect.objectContaining({ code: 'GW_CREDENTIALS_UNREADABLE' }));
});

it('takes JWT_SECRET_KEY when no secret of its own is set, and without either stores the text as it is', () => {
  const jwt = { AUTH_ENCRYPTION_SECRET: '', JWT_SECRET_KEY: 'k'.repeat(32) };
  expect(createCredentialBox(jwt).open(createCredentialBox(jwt).seal('a'))).toBe('a');
  expect(createCredentialBox({ AUTH_ENCRYPTION_SECRET: '', JWT_SECRET_KEY: '' }).seal('a')).toBe('a');
});

it('opens what was stored before there was encryption', () => {
  expect(createCredentialBox(secrets).open('{}')).toBe('{}');
});

import { expect, it } from 'vitest';
import { passwordFaults } from '../../src/auth/passwords.ts';
import { configOf } from '../config-of.ts';

const faultsOf = (password: string, settings: Record<string, string> = {}) =>
  passwordFaults(password, configOf(settings)).map((fault) => fault.replace('needs ', ''));

it('a password has what the settings ask for by default', () => {
  expect(faultsOf('Correct-horse')).toEqual([]);
  expect(faultsOf('')).toHaveLength(4);
});

it.each([
  ['PASSWORD_MIN_LENGTH', '14', 'Correct-horse', 'at least 14 characters'],
  ['PASSWORD_REQUIRE_NUMBERS', 'true', 'Correct-horse', 'a digit'],
])('%s=%s asks for more than the default', (name, value, password, fault) => {
  expect(faultsOf(password)).toEqual([]);
  expect(faultsOf(password, { [name]: value })).toEqual([fault]);
});

it.each([
  ['PASSWORD_REQUIRE_UPPERCASE', 'correct-horse', 'an upper-case letter'],
  ['PASSWORD_REQUIRE_LOWERCASE', 'CORRECT-HORSE', 'a lower-case letter'],
  ['PASSWORD_REQUIRE_SPECIAL', 'CorrectHorse', 'a character that is neither letter nor digit'],
])('%s=false asks for less', (name, password, fault) => {
  expect(faultsOf(password)).toEqual([fault]);
  expect(faultsOf(password, { [name]: 'false' })).toEqual([]);
});

it('PASSWORD_POLICY_ENABLED=false asks for nothing', () => {
  expect(faultsOf('a', { PASSWORD_POLICY_ENABLED: 'false', PASSWORD_REQUIRE_NUMBERS: 'true' })).toEqual([]);
});

import { expect, test } from 'vitest';
import { createLogTo } from '../../src/telemetry/log.ts';
import { redact } from '../../src/telemetry/redact.ts';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl';

test.each([
  ['a token anywhere', `got ${jwt} from`, jwt],
  ['an Authorization header', '{"authorization":"Bearer abcdefgh123"}', 'abcdefgh123'],
  ['a basic header', 'authorization: Basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
  ['the password of a URL', 'postgresql://user:hunter2@db:5432/mcp is away', 'hunter2'],
  ['a member by its name', '{"detail":"{\\"password\\":\\"hunter2\\"}"}', 'hunter2'],
  ['a parameter by its name', 'GET http://up/mcp?api_key=hunter2&x=1', 'hunter2'],
])('hides %s', (_, text, secret) => {
  expect(redact(text)).not.toContain(secret);
  expect(redact(text)).toContain('<hidden>');
});

test.each([
  ['letters', 'a'],
  ['names of secrets', 'token'],
  ['names that nothing follows', 'token \\" '],
  ['beginnings of tokens', 'eyJ-'],
  ['beginnings of credentials', 'Bearer '],
  ['beginnings of URLs', 'http://a:'],
  ['dots and plus signs', 'a.+-'],
])('takes time in proportion to the text: %s', (_, piece) => {
  const text = piece.repeat(200_000 / piece.length);
  const startedAt = performance.now();
  redact(text);
  // With time that grows with the square it is more than ten seconds.
  expect(performance.now() - startedAt).toBeLessThan(500);
});

test('hides a secret behind whatever stands in front of it', () => {
  for (const text of [
    `x-${jwt}`,
    `${'a'.repeat(5000)}://u:hunter2@h`,
    `1http://:hunter2@h`,
    `"token":"${'t'.repeat(9000)}hunter2"`,
  ]) {
    expect(redact(text)).not.toMatch(/hunter2|c2lnbmF0dXJl/);
  }
});

test('leaves what is no secret as it is', () => {
  const text =
    '{"level":40,"code":"GW_UNAUTHORIZED","method":"GET /tools","detail":"the request has no Authorization header"}';
  expect(redact(text)).toBe(text);
});

function logged(settings: { LOG_LEVEL: 'info' | 'error'; LOG_FORMAT: 'json' | 'text' }) {
  const lines: string[] = [];
  const sunk: string[] = [];
  const log = createLogTo({ write: (line) => void lines.push(line) }, settings, (line) => sunk.push(line));
  log.info({ url: 'http://user:hunter2@up/mcp' }, 'asked');
  log.error({ code: 'GW_INTERNAL' }, 'failed');
  return { lines, sunk };
}

test('no line of the log holds a secret, neither the one that is shown nor the one that is kept', () => {
  const { lines, sunk } = logged({ LOG_LEVEL: 'info', LOG_FORMAT: 'json' });
  expect([...lines, ...sunk].join('')).not.toContain('hunter2');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 30, msg: 'asked', url: 'http://user:<hidden>@up/mcp' });
});

test('LOG_FORMAT=text writes lines for people, LOG_LEVEL leaves out what is less severe', () => {
  const { lines, sunk } = logged({ LOG_LEVEL: 'error', LOG_FORMAT: 'text' });
  expect(lines).toEqual([expect.stringMatching(/^\S+ ERROR failed code=GW_INTERNAL\n$/)]);
  expect(sunk).toHaveLength(1);
});

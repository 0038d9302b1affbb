// No setting may be there for show: something of the program reads it, and a test names it. What the tests assert, no script can tell.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Config } from '../../src/config.ts';

const root = join(import.meta.dirname, '../..');
const names = Object.keys(Config.properties);

function read(folder: string, isWanted: (path: string) => boolean): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && isWanted(path))
    .map((path) => readFileSync(join(root, folder, path), 'utf8'));
}

/** Without comments and quoted texts: `Pick<Config, 'X'>` and a hint that names X read nothing. Templates stay: they hold code. */
function toCode(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

/** Read as a property (`config.X`) or taken out of one (`{ X }`, `{ X: name }`). */
function isReadIn(code: string, name: string): boolean {
  return new RegExp(`\\.${name}\\b|[{,]\\s*${name}\\s*[,:}]`).test(code);
}

it('every setting is read by the program, outside the files that describe settings', () => {
  const code = read('src', (path) => !path.startsWith('config')).map(toCode);
  expect(names.filter((name) => !code.some((text) => isReadIn(text, name)))).toEqual([]);
});

it('every setting is named by a test', () => {
  const tests = read('test', (path) => path.endsWith('.test.ts')).join('\n');
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(tests))).toEqual([]);
});

it('a setting that is only spoken of is not taken for one that is read', () => {
  const spoken = [
    '// config.X',
    "type A = Pick<Config, 'X'>;",
    "const hint = 'raise config.X';",
    '/** `config.X` */',
    'XY: 1',
  ];
  expect(spoken.filter((text) => isReadIn(toCode(text), 'X'))).toEqual([]);
  const used = [
    'config.X * 1000',
    'const { X } = config;',
    'const { A, X: x } = config;',
    'const t = `$' + '{config.X} ms`;',
  ];
  expect(used.filter((text) => !isReadIn(toCode(text), 'X'))).toEqual([]);
});

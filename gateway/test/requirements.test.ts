import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requirements } from './requirements.ts';

const titles = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
  .join('\n');
const cited = new Set([...titles.matchAll(/\[(MCP-[A-Z]+-\d\d)\]/g)].map(([, id]) => id));
const known = new Set(requirements.map(({ id }) => id));

test('every requirement is cited by a test', () => {
  expect([...known].filter((id) => !cited.has(id))).toEqual([]);
});

test('every cited id is a requirement', () => {
  expect([...cited].filter((id) => !known.has(id ?? ''))).toEqual([]);
});

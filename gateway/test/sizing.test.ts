import { expect, it } from 'vitest';
import { parse } from '../src/parse.ts';
import { computeSizing, printSizing, SizingInput } from '../src/sizing.ts';

const sizing = (given: object) => computeSizing(parse(SizingInput, given, 'test'));
const valuesOf = (given: object) => Object.fromEntries(sizing(given).rows.map(({ name, value }) => [name, value]));

it('gives the source’s own examples', () => {
  expect(valuesOf({ pods: 10, workers: 8, pool: 50, rps: 100 })).toMatchObject({
    capacity: 8000,
    'connections, pool per pod': 500,
    'max_connections, pool per worker': 5000,
  });
  expect(valuesOf({ pods: 20, pool: 50 })['max_connections, pool per pod']).toBe(1220);
  expect(valuesOf({ workers: 16 })).toMatchObject({ CPU: 8, memory: 3456 });
  expect(valuesOf({ users: 10_000, messages: 1000, messageTtl: 600 })['Redis memory']).toBe(2250);
  expect(valuesOf({ pods: 1, workers: 10, concurrent: 500 })['REDIS_MAX_CONNECTIONS']).toBe(75);
});

it('takes 2 × CPU + 1 workers when none are given', () => {
  expect(valuesOf({ workers: 0, cpus: 4 })['workers']).toBe(9);
  expect(valuesOf({ workers: 0, cpus: 64 })['workers']).toBe(16);
});

it('warns where the formulas contradict each other', () => {
  const { warnings } = sizing({ pods: 10, workers: 8, pool: 50, overflow: 30 });
  expect(warnings.join('\n')).toMatch(/is 620 by .* and 5000 by/);
  expect(warnings.join('\n')).toMatch(/up to 6400 connections, more than 5000/);
  expect(warnings.join('\n')).toMatch(/use PgBouncer/);
  expect(sizing({ workers: 1, pool: 5, overflow: 0, cpus: 1 }).warnings).toEqual([]);
});

it('prints each figure with its formula', () => {
  expect(printSizing(sizing({}))).toMatch(/capacity +800 requests\/s +pods × workers × rps/);
});

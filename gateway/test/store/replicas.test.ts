import { expect, it } from 'vitest';
import { lagOf, parseLogPosition } from '../../src/store/replicas.ts';
import { openStore } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';

it('reads positions in the log as PostgreSQL writes them', () => {
  expect(parseLogPosition('0/0')).toBe(0n);
  expect(parseLogPosition('16/B374D848')).toBe(0x16b374d848n);
  expect(parseLogPosition('1/0') > parseLogPosition('0/FFFFFFFF')).toBe(true);
});

it('says how long ago the primary was where the replica is now', () => {
  const samples = [10n, 20n, 20n, 30n].map((position, at) => ({ position, atMs: at * 1000 }));
  expect(lagOf(samples, 30n)).toBe(0);
  expect(lagOf(samples, 99n)).toBe(0);
  expect(lagOf(samples, 20n)).toBe(1000);
  expect(lagOf(samples, 19n)).toBe(3000);
  expect(lagOf(samples, 9n)).toBe(Number.POSITIVE_INFINITY);
  expect(lagOf([], 9n)).toBe(0);
});

it('refuses replicas beside SQLite', async () => {
  const config = configOf({ DATABASE_URL: 'sqlite://', DATABASE_REPLICA_URLS: 'postgresql://127.0.0.1/x' });
  await expect(openStore(config, console)).rejects.toThrow('SQLite has no replicas');
});

// Does anything grow under load of every kind? Five minutes in CI, one elsewhere; an hour: `node gateway/dist/bench/run-soak.js 60`.
import { expect, it } from 'vitest';
import { growthOf, soak } from '../../bench/soak.ts';
import { describeWithPostgres, startPostgres } from '../postgres.ts';
import { startEchoUpstream } from './echo-upstream-process.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? (process.env['CI'] === 'true' ? 5 : 1));

describeWithPostgres('soak', () => {
  it(
    `keeps memory, handles, descriptors and database connections where they are over ${minutes} minutes of load`,
    async () => {
      await using postgres = await startPostgres();
      await using upstream = await startEchoUpstream();
      const result = await soak(await postgres.createDatabase('soak'), upstream.url, minutes);
      expect(result.firstFailure).toBeUndefined();
      expect(result.requests).toBeGreaterThan(minutes * 60 * 50);
      expect(growthOf(result), JSON.stringify(result.quiet)).toEqual([]);
    },
    minutes * 60_000 + 150_000,
  );
});

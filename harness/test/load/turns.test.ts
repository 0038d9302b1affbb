import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from '../../src/load/turns.ts';

async function take(turns: Turns, side: number, count: number, log: string[]): Promise<void> {
  for (let turn = 1; turn <= count; turn++) {
    await turns.next(side);
    log.push(`${side} begins`);
    await sleep(2);
    log.push(`${side} ends`);
  }
  turns.leave(side);
}

test('sides follow each other in order, and only one has its turn', async () => {
  const turns = new Turns(2);
  const log: string[] = [];
  // The one that asks first waits for the other, and side 0 begins.
  await Promise.all([take(turns, 1, 3, log), sleep(10).then(() => take(turns, 0, 3, log))]);
  const round = ['0 begins', '0 ends', '1 begins', '1 ends'];
  expect(log).toEqual([...round, ...round, ...round]);
});

test('who leaves is not waited for, at the start and later', async () => {
  const turns = new Turns(3);
  const log: string[] = [];
  turns.leave(1);
  await Promise.all([take(turns, 0, 1, log), take(turns, 2, 3, log)]);
  turns.leave(2);
  expect(log.filter((line) => line.endsWith('begins'))).toEqual(['0 begins', '2 begins', '2 begins', '2 begins']);
});

test('who finishes waits until the others have left too', async () => {
  const turns = new Turns(2);
  const log: string[] = [];
  const finished = turns.finish(0).then(() => log.push('0 has finished'));
  await take(turns, 1, 2, log);
  await finished;
  expect(log.at(-1)).toBe('0 has finished');
  expect(log).toHaveLength(5);
});

test('a side alone has every turn', async () => {
  const turns = new Turns(1);
  await turns.next(0);
  await turns.next(0);
  await turns.finish(0);
});

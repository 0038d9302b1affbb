import { expect, test } from 'vitest';
import { createLogTo } from '../../src/telemetry/log.ts';
import { LogTail } from '../../src/telemetry/log-tail.ts';

test('the last 500 lines are kept, each cut at 4000 characters, and told from where a reader has been', () => {
  const tail = new LogTail();
  for (let at = 1; at <= 700; at++) tail.add(`${at} ${'x'.repeat(5000)}`);
  expect(tail.after(0)).toHaveLength(500);
  expect(tail.after(0)[0]).toMatchObject({ seq: 201, text: expect.stringMatching(/^201 x{3996}$/) });
  expect(tail.after(699).map(({ seq }) => seq)).toEqual([700]);
});

test('no secret is in a line that is kept', () => {
  const tail = new LogTail();
  const log = createLogTo({ write: () => undefined }, { LOG_LEVEL: 'info', LOG_FORMAT: 'json' }, (line) =>
    tail.add(line),
  );
  log.info({ password: 'hunter22', url: 'redis://me:hunter22@host' }, 'Bearer hunter22hunter22');
  expect(tail.after(0)).toHaveLength(1);
  expect(JSON.stringify(tail.after(0))).not.toContain('hunter22');
});

// The bounds on what waits for a reader, exactly: without a socket whose buffers nobody knows.
import { afterEach, expect, test, vi } from 'vitest';
import { MAX_WAITING_BYTES, Outbox } from '../../src/http/outbox.ts';

type Done = (error?: Error | null) => void;

/** @param take what the operating system does with a piece */
function create(take: (done: Done) => void, stalledMs?: number) {
  const seen = { text: '', pieces: 0, lasts: 0, largest: 0, isCut: false };
  const outbox = new Outbox(
    {
      write(piece, isLast, done) {
        const bytes = Buffer.from(piece);
        seen.text += bytes.toString('latin1');
        seen.pieces++;
        seen.largest = Math.max(seen.largest, bytes.length);
        if (isLast) seen.lasts++;
        take(done);
      },
      cut: () => {
        seen.isCut = true;
      },
    },
    stalledMs,
  );
  return { outbox, seen };
}

const never = () => undefined;
const soon = (done: Done) => process.nextTick(done);
const turn = () => new Promise((resolve) => setImmediate(resolve));
const messageOf = (bytes: number) => 'x'.repeat(bytes);

afterEach(() => vi.useRealTimers());

test('[MCP-HTTP-18] a reader that takes nothing has 1 MB waiting behind the message on its way, and not one more', async () => {
  const { outbox, seen } = create(never);
  outbox.send(messageOf(10_000));
  let waiting = 0;
  for (; !seen.isCut && waiting < 100 * MAX_WAITING_BYTES; waiting += 10_000) {
    outbox.send(messageOf(10_000));
    await turn();
    await turn();
  }
  expect(seen.isCut).toBe(true);
  expect(waiting).toBeGreaterThan(MAX_WAITING_BYTES);
  expect(waiting).toBeLessThanOrEqual(MAX_WAITING_BYTES + 20_000);
});

test('[MCP-HTTP-18] bytes are counted, not characters', async () => {
  const { outbox, seen } = create(never);
  outbox.send('"first"');
  const text = '🌍'.repeat(5_000);
  for (let at = 0; at < 53; at++) outbox.send(text);
  await turn();
  expect(seen.isCut).toBe(false);
  outbox.send(text);
  outbox.send(text);
  await turn();
  expect(seen.isCut).toBe(true);
});

test.each([0, 10, 300_000])(
  '[MCP-HTTP-18] one that stops reading is let go within 30 s (%i bytes waiting)',
  (bytes) => {
    vi.useFakeTimers();
    const { outbox, seen } = create(never);
    outbox.send('"first"');
    if (bytes > 0) outbox.send(messageOf(bytes));
    vi.advanceTimersByTime(15_000);
    expect(seen.isCut).toBe(false);
    vi.advanceTimersByTime(15_000);
    expect(seen.isCut).toBe(true);
  },
);

test('one that is slow but takes a piece now and then is not let go', () => {
  vi.useFakeTimers();
  const { outbox, seen } = create((done) => setTimeout(done, 19_000));
  outbox.send(messageOf(500_000));
  vi.advanceTimersByTime(300_000);
  expect(seen).toMatchObject({ isCut: false, pieces: 8, lasts: 1, largest: 65_536 });
});

test('what comes in one turn may be more, when it is taken before the next', async () => {
  const { outbox, seen } = create(soon);
  for (let at = 0; at < 40; at++) outbox.send(messageOf(100_000));
  await turn();
  await turn();
  expect(seen.isCut).toBe(false);
  expect(seen.text).toHaveLength(4_000_000);
});

test('a large answer gets through behind small messages, in pieces and in order', async () => {
  const held: Done[] = [];
  const { outbox, seen } = create((done) => held.push(done));
  const sent = ['"a"', '"b"', `"${messageOf(5_000_000)}"`];
  for (const message of sent) outbox.send(message);
  await turn();
  for (let done = held.shift(); done !== undefined; done = held.shift()) done();
  expect(seen.isCut).toBe(false);
  expect(seen.text).toBe(sent.join(''));
  expect(seen.largest).toBe(65_536);
  expect(seen.lasts).toBe(3);
});

test('its end comes after what was sent, and nothing after it', async () => {
  const { outbox, seen } = create(soon);
  let ended = '';
  outbox.send('"a"');
  outbox.send('"b"');
  outbox.end(() => {
    ended = seen.text;
  });
  outbox.send('"c"');
  await turn();
  expect(ended).toBe('"a""b"');
  expect(seen.text).toBe('"a""b"');
});

test('a connection that is gone holds nothing and keeps no timer', () => {
  vi.useFakeTimers();
  const { outbox, seen } = create(never);
  outbox.send('"a"');
  outbox.send('"b"');
  outbox[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(seen.isCut).toBe(false);
});

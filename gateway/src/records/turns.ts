// Work that one of all processes over a database does once per interval. When it was last done stands in the database: a worker
// that lives for less than an interval does its part, and of many that look at the same time one takes the turn.
import type { Log, Store } from '../store/store.ts';

export interface Turn {
  name: string;
  everyMs: number;
  /** Stops early, and rejects nothing, when the signal comes: another process goes on. */
  run: (signal: AbortSignal) => Promise<unknown>;
}

export interface TurnsOptions {
  store: Pick<Store, 'query'>;
  turns: Turn[];
  log: Pick<Log, 'warn'>;
  /** Before the first look: whoever starts has more urgent things to do. */
  firstMs?: number;
  /** Milliseconds since 1970: several machines compare them. */
  now?: () => number;
}

/** Less than any worker lives, however many requests it gets. */
const FIRST_MS = 2000;

/** Disposing waits for what runs. */
export function takeTurns({ store, turns, log, firstMs = FIRST_MS, now = Date.now }: TurnsOptions): AsyncDisposable {
  const ending = new AbortController();
  const timers = new Map<Turn, NodeJS.Timeout>();
  const running = new Set<Promise<void>>();

  function lookIn(turn: Turn, ms: number): void {
    const look = () => {
      const work = take(turn)
        .catch((error: unknown) => {
          log.warn({ error: String(error) }, `${turn.name} failed`);
          return turn.everyMs;
        })
        .then((nextMs) => {
          running.delete(work);
          if (!ending.signal.aborted) lookIn(turn, nextMs);
        });
      running.add(work);
    };
    timers.set(turn, setTimeout(look, ms).unref());
  }

  /** @returns when to look again */
  async function take({ name, everyMs, run }: Turn): Promise<number> {
    const nowMs = now();
    const waitMs = await untilDue(name, everyMs, nowMs);
    if (waitMs > 0) return waitMs;
    if (!(await claim(name, everyMs, nowMs))) return everyMs;
    await run(ending.signal);
    if (ending.signal.aborted) await giveBack(name, nowMs);
    return everyMs;
  }

  async function untilDue(name: string, everyMs: number, nowMs: number): Promise<number> {
    const last = await store.query((db) =>
      db.selectFrom('upkeep_turns').select('at_ms').where('name', '=', name).executeTakeFirst(),
    );
    const sinceMs = last === undefined ? everyMs : nowMs - Number(last.at_ms);
    // A little in the future: another machine's clock. Far in it: that clock was wrong.
    return sinceMs < -everyMs ? 0 : Math.min(everyMs, everyMs - sinceMs);
  }

  async function claim(name: string, everyMs: number, nowMs: number): Promise<boolean> {
    const claimed = await store.query((db) =>
      db
        .insertInto('upkeep_turns')
        .values({ name, at_ms: nowMs })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ at_ms: nowMs })
            .where((row) =>
              row.or([
                row('upkeep_turns.at_ms', '<=', nowMs - everyMs),
                row('upkeep_turns.at_ms', '>', nowMs + everyMs),
              ]),
            ),
        )
        .returning('name')
        .executeTakeFirst(),
    );
    return claimed !== undefined;
  }

  async function giveBack(name: string, claimedAtMs: number): Promise<void> {
    await store.query((db) =>
      db
        .updateTable('upkeep_turns')
        .set({ at_ms: 0 })
        .where('name', '=', name)
        .where('at_ms', '=', claimedAtMs)
        .execute(),
    );
  }

  for (const turn of turns) lookIn(turn, Math.min(firstMs, turn.everyMs));
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running);
    },
  };
}

// What the workers counted, gathered for whoever scrapes one of them; what ended workers counted is kept, so that no sum ever falls.
import { countsOf, type MetricsSnapshot, mergeSnapshots } from '../metrics.ts';
import type { Gathered, Order } from './messages.ts';

/** A worker, as far as this is concerned. */
export interface Counting {
  readonly state: string;
  tell(order: Order): void;
}

interface Told {
  snapshot: MetricsSnapshot;
  /** Which question it answers. */
  round: number;
}

/** Below the time-outs of scrapers (Prometheus: 10 s), above any pause of a sound worker. */
const DEADLINE_MS = 1000;
const LAST = Number.POSITIVE_INFINITY;

export class WorkerCounts {
  readonly #members: ReadonlySet<Counting>;
  readonly #deadlineMs: number;
  /** The latest word of each worker that has not ended. */
  readonly #told = new Map<Counting, Told>();
  #ended: MetricsSnapshot = { plain: [], histograms: [] };
  #round = 0;
  #gathering: Promise<Gathered> | undefined;
  #waiting = new Set<Counting>();
  #allTold: () => void = () => undefined;

  constructor(members: ReadonlySet<Counting>, deadlineMs = DEADLINE_MS) {
    this.#members = members;
    this.#deadlineMs = deadlineMs;
  }

  /** Who asks while others are waiting gets the same answer. */
  gather(): Promise<Gathered> {
    this.#gathering ??= this.#ask().finally(() => {
      this.#gathering = undefined;
    });
    return this.#gathering;
  }

  take(member: Counting, snapshot: MetricsSnapshot, round: number): void {
    // What comes too late for its question is newer than what was there all the same.
    if (this.#members.has(member)) this.#told.set(member, { snapshot, round });
    if (round === this.#round) this.#strike(member);
  }

  takeLast(member: Counting, snapshot: MetricsSnapshot): void {
    this.#told.set(member, { snapshot, round: LAST });
    this.#strike(member);
  }

  /** Of one that was killed, what it counted since it was last asked is lost. */
  end(member: Counting): void {
    const told = this.#told.get(member);
    this.#told.delete(member);
    if (told !== undefined) this.#ended = mergeSnapshots([this.#ended, countsOf(told.snapshot)]);
    this.#strike(member);
  }

  async #ask(): Promise<Gathered> {
    const round = ++this.#round;
    const asked = [...this.#members].filter((one) => one.state !== 'starting' && this.#told.get(one)?.round !== LAST);
    this.#waiting = new Set(asked);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#deadlineMs);
      this.#allTold = () => {
        clearTimeout(timer);
        resolve();
      };
      for (const member of asked) member.tell({ type: 'count', id: round });
      if (asked.length === 0) this.#allTold();
    });
    const missing = this.#waiting.size;
    // All at one moment: a worker that has ended meanwhile is among the ended, and not counted twice.
    const told = [...this.#told.values()];
    const answered = told.filter((one) => one.round === round).map(({ snapshot }) => snapshot);
    const counts = told.filter((one) => one.round !== round).map(({ snapshot }) => countsOf(snapshot));
    return { snapshots: [...answered, ...counts, this.#ended], workers: answered.length, missing };
  }

  #strike(member: Counting): void {
    if (this.#waiting.delete(member) && this.#waiting.size === 0) this.#allTold();
  }
}

// One worker process, as the primary sees it.
import cluster, { type Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { Seat } from './balance.ts';
import type { Beat, Order, Report } from './messages.ts';
import { BEAT_MS } from './messages.ts';

export type MemberState = 'starting' | 'serving' | 'draining' | 'gone';

/** Of the last second, nearly: each beat moves the rate by a quarter of the difference. */
const SMOOTHING = 0.25;
const LATE_MS = 8 * BEAT_MS;

export class Member implements Seat {
  state: MemberState = 'starting';
  rate = 0;
  connections = 0;
  served = 0;
  /** Monotonic; when it was last heard of. */
  beatAtMs = performance.now();
  readyAtMs: number | undefined;
  /** Which settings it was started with: see Supervisor. */
  edition = 0;
  /** Settles when it serves; rejects when it ended before. */
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
  readonly #worker: Worker;
  #lastBeatAtMs: number | undefined;
  readonly #inTransit = new Map<Socket, () => void>();

  constructor(
    start: (id: number) => Omit<Extract<Order, { type: 'start' }>, 'type'> & { edition: number },
    onReport: (member: Member, report: Report) => void,
    onExit: (member: Member, code: number | null) => void,
  ) {
    this.#worker = cluster.fork();
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (report: Report) => {
        this.beatAtMs = performance.now();
        if (report.type === 'hello') {
          const { edition, ...order } = start(this.id);
          this.edition = edition;
          this.tell({ type: 'start', ...order });
        }
        if (report.type === 'beat') this.#take(report);
        if (report.type === 'ready') {
          this.readyAtMs = performance.now();
          if (this.state === 'starting') this.state = 'serving';
          resolve();
        }
        onReport(this, report);
      });
      this.#worker.once('exit', (code) => reject(new WorkerEnded(this.pid, code)));
    });
    // Whoever waits for it gets the rejection; nobody has to.
    this.ready.catch(() => undefined);
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        onExit(this, code);
        for (const onFailure of this.#inTransit.values()) onFailure();
        resolve();
      });
    });
    // It hears of nothing more: no new connection goes there. `exit` follows.
    this.#worker.once('disconnect', () => {
      if (this.state === 'serving') this.state = 'gone';
    });
    this.#worker.on('error', () => undefined);
  }

  get id(): number {
    return this.#worker.id;
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0;
  }

  get isLate(): boolean {
    return performance.now() - this.beatAtMs > LATE_MS;
  }

  tell(order: Order): void {
    if (this.#worker.isConnected()) this.#worker.send(order);
  }

  /** @param onFailure the worker is gone: the socket is still ours */
  give(socket: Socket, onFailure: () => void): void {
    this.connections++;
    // One handle at a time is on its way; Node forgets those that wait behind it when the channel breaks.
    this.#inTransit.set(socket, onFailure);
    this.#worker.send({ type: 'connection' } satisfies Order, socket, (error) => {
      this.#inTransit.delete(socket);
      if (error !== null) onFailure();
    });
  }

  drain(): void {
    const isServing = this.state === 'serving';
    this.state = 'draining';
    // One that does not serve yet has nothing to lose, and might not hear it.
    if (isServing) this.tell({ type: 'drain' });
    else this.kill();
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #take({ served, connections }: Beat): void {
    const nowMs = performance.now();
    if (this.#lastBeatAtMs !== undefined) {
      const seconds = Math.max(0.001, (nowMs - this.#lastBeatAtMs) / 1000);
      this.rate += SMOOTHING * ((served - this.served) / seconds - this.rate);
    }
    this.#lastBeatAtMs = nowMs;
    this.served = served;
    this.connections = connections;
  }
}

/** A worker ended before it served. */
export class WorkerEnded extends Error {
  readonly exitCode: number | null;
  constructor(pid: number, exitCode: number | null) {
    super(`worker ${pid} ended with ${exitCode ?? 'a signal'} before it served; its reason is in the log above`);
    this.name = 'WorkerEnded';
    this.exitCode = exitCode;
  }
}

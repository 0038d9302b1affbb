// Keeps as many workers as wanted: starts them, replaces those that ended or stand still, renews them one by one, stops them all.
// A new worker serves before the old one is told to end, so there is always somebody to take a connection.
import type { Logger } from 'pino';
import type { Config, ResolvedConfig } from '../config.ts';
import type { SessionHome } from '../http/session-home.ts';
import { Member } from './member.ts';
import type { Report } from './messages.ts';

/** A worker that lived for so long was sound: the next failure is a first one again. */
const SOUND_MS = 10_000;
const LONGEST_DELAY_MS = 30_000;
/** After `drain`; the worker itself cuts off what runs after 25 s. */
const STOP_DEADLINE_MS = 28_000;

export interface SupervisorOptions {
  settings: ResolvedConfig;
  /** Where the primary listens. */
  url: () => string;
  /** Of the sessions of a worker. */
  home: (id: number) => SessionHome | undefined;
  log: Logger;
  onReport: (member: Member, report: Report) => void;
  /** A worker serves now: connections may be waiting for one. */
  onReady: () => void;
  /** Its process has ended, for whatever reason. */
  onEnd: (member: Member) => void;
  /** No worker is left and none will come. */
  onGone: (exitCode: number) => void;
}

export class Supervisor {
  readonly members = new Set<Member>();
  settings: ResolvedConfig;
  /** Counts the changes of the settings: a worker that was started with older ones is told when it listens. */
  edition = 0;
  readonly #options: SupervisorOptions;
  #wanted = 0;
  #failures = 0;
  #isStopping = false;
  /** Renewals wait for each other: one worker more than wanted at a time. */
  #renewal: Promise<void> = Promise.resolve();
  readonly #renewing = new Set<Member>();
  /** A successor is there, and its predecessor is not yet told to end. */
  #extra = 0;
  readonly #respawns = new Set<NodeJS.Timeout>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.settings = options.settings;
  }

  get serving(): Member[] {
    return [...this.members].filter(({ state }) => state === 'serving');
  }

  /** Resolves when all serve. @throws WorkerEnded */
  async start(count: number): Promise<void> {
    this.#wanted = count;
    await Promise.all(Array.from({ length: count }, () => this.#spawn().ready));
  }

  /** Adds workers, or drains those that are too many: those that do not serve yet, then those with the fewest connections. */
  async resize(count: number): Promise<void> {
    this.#wanted = count;
    const kept = [...this.members].filter(({ state }) => state !== 'draining');
    const weight = (member: Member) => (member.state === 'serving' ? member.connections : -1);
    const surplus = kept.toSorted((one, other) => weight(one) - weight(other)).slice(0, kept.length - count);
    for (const member of kept.length > count ? surplus : []) member.drain();
    await Promise.all(Array.from({ length: Math.max(0, count - kept.length) }, () => this.#spawn().ready));
    this.#options.log.info({ workers: count }, 'workers resized');
  }

  /** A new worker, and when it serves the old one ends. */
  renew(member: Member, reason: string): Promise<void> {
    if (this.#renewing.has(member) || member.state !== 'serving') return this.#renewal;
    this.#renewing.add(member);
    this.#renewal = this.#renewal.then(async () => {
      if (this.#isStopping || member.state !== 'serving') return;
      this.#options.log.info({ worker: member.pid, reason }, 'a worker is replaced');
      this.#extra = 1;
      try {
        await this.#spawn().ready;
        member.drain();
      } catch (error) {
        this.#options.log.error({ worker: member.pid, error: String(error) }, 'its successor does not start: it stays');
      } finally {
        this.#extra = 0;
        this.#renewing.delete(member);
      }
    });
    return this.#renewal;
  }

  /** All of them, one after the other. */
  async renewAll(reason: string): Promise<void> {
    await Promise.all(this.serving.map((member) => this.renew(member, reason)));
  }

  /** Kills what has not been heard of for TIMEOUT: its event loop stands still, so it cannot be asked. */
  checkBeats(timeoutSeconds: Config['TIMEOUT']): void {
    if (timeoutSeconds === 0) return;
    for (const member of this.members) {
      const silentMs = performance.now() - member.beatAtMs;
      if (silentMs < timeoutSeconds * 1000) continue;
      this.#options.log.error(
        { worker: member.pid, silentMs: Math.round(silentMs) },
        'a worker stands still: it is killed',
      );
      member.kill();
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#respawns) clearTimeout(timer);
    for (const member of this.members) if (member.state !== 'draining') member.drain();
    const late = setTimeout(() => {
      for (const member of this.members) member.kill();
    }, STOP_DEADLINE_MS);
    await Promise.all([...this.members].map(({ exited }) => exited));
    clearTimeout(late);
  }

  #spawn(): Member {
    const member = new Member(
      (id) => ({
        settings: this.settings,
        edition: this.edition,
        url: this.#options.url(),
        home: this.#options.home(id),
      }),
      this.#options.onReport,
      (ended, code) => this.#onExit(ended, code),
    );
    this.members.add(member);
    member.ready.then(this.#options.onReady, () => undefined);
    return member;
  }

  #onExit(member: Member, code: number | null): void {
    this.members.delete(member);
    this.#options.onEnd(member);
    if (this.#isStopping || member.state === 'draining') return;
    const { log } = this.#options;
    log.error({ worker: member.pid, exitCode: code }, 'a worker ended by itself');
    const isSound = member.readyAtMs !== undefined && performance.now() - member.readyAtMs >= SOUND_MS;
    this.#failures = isSound ? 0 : this.#failures + 1;
    if (!this.settings.config.RESPAWN_FAILED) {
      this.#wanted--;
      if (this.members.size === 0) this.#options.onGone(code ?? 1);
      return;
    }
    // At once the first time; a crash loop must not keep a core busy with starting.
    const delayMs = this.#failures <= 1 ? 0 : Math.min(LONGEST_DELAY_MS, 100 * 2 ** (this.#failures - 1));
    const timer = setTimeout(() => {
      this.#respawns.delete(timer);
      const present = [...this.members].filter(({ state }) => state !== 'draining').length - this.#extra;
      if (!this.#isStopping && present < this.#wanted) this.#spawn();
    }, delayMs);
    this.#respawns.add(timer);
  }
}

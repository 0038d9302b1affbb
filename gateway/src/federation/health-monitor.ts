// Asks registered upstreams regularly whether they are there. One that fails several times in a row leaves the lists; it is asked
// more often then, and comes back with the first good answer. One gateway of all that share a registry does it: the leader.
import type { Config } from '../config.ts';
import type { UpstreamAddress } from './address.ts';

export interface HealthMonitorOptions {
  config: Pick<Config, 'HEALTH_CHECK_INTERVAL' | 'UNHEALTHY_THRESHOLD'>;
  /** All that are enabled. */
  list: () => Promise<{ address: UpstreamAddress; isReachable: boolean }[]>;
  /** Rejects when it is not there. */
  check: (address: UpstreamAddress) => Promise<void>;
  setUnreachable: (gatewayId: string) => Promise<unknown>;
  /** Asks it again what it offers, and shows it. */
  sync: (gatewayId: string) => Promise<unknown>;
  isLeader: () => boolean;
  log: { warn(details: object, message: string): void; info(details: object, message: string): void };
  /** Monotonic milliseconds. */
  nowMs?: () => number;
}

/** Who is away is looked for this often, however long HEALTH_CHECK_INTERVAL is. */
const RETURN_MS = 2_000;
/** Checks at a time. */
const MAX_AT_A_TIME = 20;

export class HealthMonitor implements Disposable {
  readonly #options: HealthMonitorOptions;
  readonly #nowMs: () => number;
  readonly #failures = new Map<string, number>();
  readonly #checkedAtMs = new Map<string, number>();
  /** Why what an upstream offers could not be read when it came back. */
  readonly #unread = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #isListFailing = false;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  start(): void {
    const everyMs = Math.min(this.#options.config.HEALTH_CHECK_INTERVAL * 1000, RETURN_MS);
    this.#timer = setTimeout(() => void this.round().finally(() => this.#timer && this.start()), everyMs).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Checks whoever is due. Never rejects. */
  async round(): Promise<void> {
    const { list, isLeader, log } = this.#options;
    if (!isLeader()) return;
    let all: Awaited<ReturnType<typeof list>>;
    try {
      all = await list();
      this.#isListFailing = false;
    } catch (error) {
      if (!this.#isListFailing) log.warn({ error: String(error) }, 'health checks wait: the registry cannot be read');
      this.#isListFailing = true;
      return;
    }
    this.#forgetAllBut(new Set(all.map(({ address }) => address.id)));
    const due = all.filter(({ address, isReachable }) => this.#isDue(address.id, isReachable));
    const take = async () => {
      for (let next = due.shift(); next !== undefined; next = due.shift())
        await this.#check(next.address, next.isReachable);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_AT_A_TIME, due.length) }, take));
  }

  /** One that is new here was asked when it was registered. */
  #isDue(id: string, isReachable: boolean): boolean {
    const nowMs = this.#nowMs();
    const checkedAtMs = this.#checkedAtMs.get(id);
    if (checkedAtMs === undefined && isReachable) this.#checkedAtMs.set(id, nowMs);
    if (!isReachable || checkedAtMs === undefined) return !isReachable;
    return nowMs - checkedAtMs >= this.#options.config.HEALTH_CHECK_INTERVAL * 1000;
  }

  async #check(address: UpstreamAddress, isReachable: boolean): Promise<void> {
    const { check, sync, log } = this.#options;
    const { id, url } = address;
    let isThere = false;
    try {
      await check(address);
      isThere = true;
      this.#failures.delete(id);
      if (!isReachable) {
        await sync(id);
        this.#unread.delete(id);
        log.info({ gateway: id }, 'an upstream is back');
      }
    } catch (error) {
      if (isReachable) await this.#failed(id, new URL(url).origin, error);
      else if (isThere) this.#notRead(id, new URL(url).origin, error);
    } finally {
      this.#checkedAtMs.set(id, this.#nowMs());
    }
  }

  /** It answers and stays away: somebody has to know why. It is asked every few seconds, and the same is said once. */
  #notRead(id: string, origin: string, error: unknown): void {
    const reason = String(error);
    if (this.#unread.get(id) === reason) return;
    this.#unread.set(id, reason);
    const message = 'an upstream answers again, but what it offers cannot be read: it stays out of the lists';
    this.#options.log.warn({ gateway: id, origin, error: reason }, message);
  }

  async #failed(id: string, origin: string, error: unknown): Promise<void> {
    const { config, setUnreachable, log } = this.#options;
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#failures.set(id, failures);
    if (failures < config.UNHEALTHY_THRESHOLD) return;
    try {
      await setUnreachable(id);
      log.warn({ gateway: id, origin, failures, error: String(error) }, 'an upstream is taken out of the lists');
    } catch (cause) {
      // The database is away: said again in the next round.
      log.warn({ gateway: id, error: String(cause) }, 'that an upstream is unreachable could not be written down');
    }
  }

  #forgetAllBut(ids: Set<string>): void {
    for (const map of [this.#failures, this.#checkedAtMs, this.#unread])
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
  }
}

// Settings that change while the gateway runs: judged once, here, then put in force in every worker before anybody is told so.
import type { Logger } from 'pino';
import type { ResolvedConfig } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { withChanges } from '../serve.ts';
import { workerCount } from './cpu-count.ts';
import type { Member } from './member.ts';

/** A worker whose event loop is busy for longer gets them when it comes to it; the administrator is not kept waiting. */
const APPLY_DEADLINE_MS = 5000;

/** What this needs of the supervisor. */
interface Settled {
  settings: ResolvedConfig;
  edition: number;
  readonly serving: Pick<Member, 'id' | 'edition' | 'tell'>[];
  resize(count: number): Promise<void>;
}

export class RunTimeSettings {
  readonly #supervisor: Settled;
  readonly #log: Logger;
  readonly #waiting = new Map<string, () => void>();
  #changes: Record<string, unknown> = {};
  #orders = 0;

  constructor(supervisor: Settled, log: Logger) {
    this.#supervisor = supervisor;
    this.#log = log;
  }

  /** It listens to orders from now on: what changed while it was starting is in force there before its first connection. */
  ready(member: Pick<Member, 'id' | 'edition' | 'tell'>): void {
    if (member.edition !== this.#supervisor.edition) void this.#apply(member);
  }

  applied(member: Pick<Member, 'id'>, id: number): void {
    this.#waiting.get(`${member.id} ${id}`)?.();
  }

  /** What changed at run time stays changed: it is the operator's latest word. @throws GW_CONFIG_INVALID */
  reread(settings: ResolvedConfig): void {
    this.#put(withChanges(settings, this.#changes));
  }

  async change(member: Pick<Member, 'tell'>, id: number, changes: Record<string, unknown>): Promise<void> {
    const supervisor = this.#supervisor;
    try {
      this.#put(withChanges(supervisor.settings, changes));
      Object.assign(this.#changes, changes);
      await Promise.all(supervisor.serving.map((each) => this.#apply(each)));
      this.#log.info({ settings: Object.keys(changes) }, 'settings changed at run time');
      member.tell({ type: 'changed', id });
    } catch (error) {
      const isRefused = error instanceof GatewayError;
      const detail = isRefused ? error.detail : String(error);
      const faults = isRefused ? error.faults.map(({ path, message }) => ({ path, message })) : [];
      member.tell({ type: 'changed', id, refused: { detail, faults } });
    }
  }

  /** The primary reads its own settings at use, too: the object stays the same. @throws GW_CONFIG_INVALID */
  #put({ config, origins }: ResolvedConfig): void {
    const supervisor = this.#supervisor;
    const { WORKERS: before } = supervisor.settings.config;
    const { WORKERS: now } = config;
    if (now === '0') {
      const message = 'must be 1 or more (or auto) while there are workers, got "0"';
      throw new GatewayError('GW_CONFIG_INVALID', { detail: message, faults: [{ path: '/WORKERS', message }] });
    }
    Object.assign(supervisor.settings.config, config);
    Object.assign(supervisor.settings.origins, origins);
    supervisor.edition += 1;
    this.#log.level = config.LOG_LEVEL;
    if (now !== before) supervisor.resize(workerCount(now)).catch((error) => this.#log.error({ error: String(error) }));
  }

  #apply(member: Pick<Member, 'id' | 'tell'>): Promise<void> {
    const id = ++this.#orders;
    const key = `${member.id} ${id}`;
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, APPLY_DEADLINE_MS);
      this.#waiting.set(key, () => {
        clearTimeout(timer);
        resolve();
      });
      member.tell({ type: 'config', settings: this.#supervisor.settings, id });
    }).finally(() => this.#waiting.delete(key));
  }
}

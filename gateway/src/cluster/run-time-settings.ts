// Settings that change while the gateway runs: judged once, here, then put in force in every worker before anybody is told so.
import type { Logger } from 'pino';
import type { ResolvedConfig } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { withChanges } from '../serve.ts';
import { workerCount } from './cpu-count.ts';
import type { Member } from './member.ts';
import type { Supervisor } from './supervisor.ts';

/** A worker whose event loop is busy for longer gets them when it comes to it; the administrator is not kept waiting. */
const APPLY_DEADLINE_MS = 5000;

export class RunTimeSettings {
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #waiting = new Map<string, () => void>();
  #changes: Record<string, unknown> = {};
  #orders = 0;

  constructor(supervisor: Supervisor, log: Logger) {
    this.#supervisor = supervisor;
    this.#log = log;
  }

  applied(member: Member, id: number): void {
    this.#waiting.get(`${member.id} ${id}`)?.();
  }

  /** What changed at run time stays changed: it is the operator's latest word. @throws GW_CONFIG_INVALID */
  reread(settings: ResolvedConfig): void {
    this.#put(withChanges(settings, this.#changes));
  }

  async change(member: Member, id: number, changes: Record<string, unknown>): Promise<void> {
    const supervisor = this.#supervisor;
    try {
      const { WORKERS: before } = supervisor.settings.config;
      const changed = withChanges(supervisor.settings, changes);
      if (changed.config.WORKERS === '0') {
        const message = 'must be 1 or more (or auto) while there are workers, got "0"';
        throw new GatewayError('GW_CONFIG_INVALID', { detail: message, faults: [{ path: '/WORKERS', message }] });
      }
      Object.assign(this.#changes, changes);
      this.#put(changed);
      await Promise.all(supervisor.serving.map((each) => this.#apply(each)));
      this.#log.info({ settings: Object.keys(changes) }, 'settings changed at run time');
      const { WORKERS: now } = changed.config;
      if (now !== before)
        supervisor.resize(workerCount(now)).catch((error) => this.#log.error({ error: String(error) }));
      member.tell({ type: 'changed', id });
    } catch (error) {
      const isRefused = error instanceof GatewayError;
      const detail = isRefused ? error.detail : String(error);
      const faults = isRefused ? error.faults.map(({ path, message }) => ({ path, message })) : [];
      member.tell({ type: 'changed', id, refused: { detail, faults } });
    }
  }

  /** The primary reads its own settings at use, too: the object stays the same. */
  #put({ config, origins }: ResolvedConfig): void {
    Object.assign(this.#supervisor.settings.config, config);
    Object.assign(this.#supervisor.settings.origins, origins);
    this.#log.level = config.LOG_LEVEL;
  }

  #apply(member: Member): Promise<void> {
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

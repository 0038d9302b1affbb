// Which failed requests are sent again, how often and when. Only what may be carried out twice, only for failures that may pass,
// and never more than a tenth of all requests: an upstream in trouble is not helped by three times its load.
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { UpstreamStatus } from './answer.ts';

const BUDGET_MAX = 10;
const EARNED_PER_REQUEST = 0.1;

const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const idempotent: ReadonlySet<string> = new Set([
  'ping',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'resources/read',
  'prompts/get',
  'completion/complete',
  'resources/subscribe',
  'resources/unsubscribe',
  'logging/setLevel',
]);

/** Of one upstream. */
export class RetryBudget {
  #left = BUDGET_MAX;

  /** On the request path. */
  earn(): void {
    if (this.#left < BUDGET_MAX) this.#left += EARNED_PER_REQUEST;
  }

  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

export type RetryConfig = Pick<Config, 'RETRY_MAX_ATTEMPTS' | 'RETRY_BASE_DELAY' | 'RETRY_MAX_DELAY'>;

/**
 * @param attempt the one that failed, from 1
 * @returns how long to wait before the next attempt; undefined: there is none
 */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  config: RetryConfig,
  random: () => number = Math.random,
): number | undefined {
  if (attempt >= config.RETRY_MAX_ATTEMPTS || !mayPass(error)) return undefined;
  const delayMs = Math.min(config.RETRY_MAX_DELAY, config.RETRY_BASE_DELAY * 2 ** (attempt - 1)) * 1000;
  // Half of it is left to chance, so that those who failed together do not come back together.
  return delayMs * (0.5 + random() / 2);
}

/** @param entryJson the tool as its upstream describes it: it may say that calling it twice does no harm */
export function isIdempotent(method: string, entryJson: string | undefined): boolean {
  if (idempotent.has(method)) return true;
  if (method !== 'tools/call' || entryJson === undefined) return false;
  const entry: unknown = JSON.parse(entryJson);
  return (
    Value.Check(Annotated, entry) &&
    (entry.annotations.readOnlyHint === true || entry.annotations.idempotentHint === true)
  );
}

const Hint = Type.Optional(Type.Boolean());
const Annotated = Type.Object({ annotations: Type.Object({ readOnlyHint: Hint, idempotentHint: Hint }) });

function mayPass(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  if (error.code === 'GW_UPSTREAM_UNREACHABLE') return true;
  return error.cause instanceof UpstreamStatus && passing.has(error.cause.status);
}

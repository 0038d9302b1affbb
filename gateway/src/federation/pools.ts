// All session pools: one per upstream and identity. What the key is made of is hashed; a session never serves two keys.
import { createHash } from 'node:crypto';
import type { Caller, CallerIdentity } from '../mcp/ports.ts';
import { isSameAddress, type UpstreamAddress } from './address.ts';
import { identifyingOf } from './passthrough.ts';
import type { PoolCounts, SessionPool } from './session-pool.ts';
import type { Upstream } from './upstream.ts';

export interface PooledUpstream {
  upstream: Upstream;
  pool: SessionPool;
  isEvicted: boolean;
}

export interface PoolsOptions {
  create: (address: UpstreamAddress, passed: string[]) => { upstream: Upstream; pool: SessionPool };
  /** Headers of the caller that go to this upstream; undefined while none do. */
  passedOf: (caller: PoolCaller, address: UpstreamAddress) => string[] | undefined;
  /** False where nobody has to say who he is: then the headers that may tell keep callers apart, passed on or not. */
  isAuthRequired: () => boolean;
  idleEvictionMs: () => number;
  counts: PoolCounts;
}

type PoolCaller = Pick<Caller, 'identity' | 'headers'>;

/** The pools of one upstream. */
interface Keyed {
  address: UpstreamAddress;
  byKey: Map<string, PooledUpstream>;
  /** Finds without hashing, while identities alone make the key. */
  byIdentity: WeakMap<CallerIdentity, PooledUpstream>;
}

/** Nobody gets past this many by making identities up: the pool unused for longest goes. */
const MAX_KEYS_PER_UPSTREAM = 10_000;

export class Pools implements AsyncDisposable {
  readonly #options: PoolsOptions;
  readonly #upstreams = new Map<string, Keyed>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  /** On the request path: two look-ups when the caller is known. */
  of(address: UpstreamAddress, caller: PoolCaller): Upstream {
    const keyed = this.#keyed(address);
    const { passedOf, isAuthRequired } = this.#options;
    const passed = passedOf(caller, address);
    if (!isAuthRequired()) {
      const told = identifyingOf(Object.entries(caller.headers).flatMap(([name, value]) => [name, String(value)]));
      const key = toKey(caller.identity, [...told, ...identifyingOf(passed ?? [])]);
      return this.#pooled(keyed, key, passed ?? []).upstream;
    }
    if (passed === undefined) {
      const known = keyed.byIdentity.get(caller.identity);
      if (known !== undefined && !known.isEvicted) return known.upstream;
      const made = this.#pooled(keyed, toKey(caller.identity, []), []);
      keyed.byIdentity.set(caller.identity, made);
      return made.upstream;
    }
    return this.#pooled(keyed, toKey(caller.identity, identifyingOf(passed)), passed).upstream;
  }

  *pools(): Iterable<SessionPool> {
    for (const { byKey } of this.#upstreams.values()) for (const { pool } of byKey.values()) yield pool;
  }

  sweep(nowMs: number): void {
    const idleMs = this.#options.idleEvictionMs();
    for (const [id, keyed] of this.#upstreams) {
      for (const [key, pooled] of keyed.byKey) {
        pooled.pool.sweep(nowMs);
        if (pooled.pool.inFlight === 0 && nowMs - pooled.pool.usedAtMs >= idleMs) this.#evict(keyed, key, pooled);
      }
      if (keyed.byKey.size === 0) this.#upstreams.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const keyed of this.#upstreams.values()) this.#evictAll(keyed);
    this.#upstreams.clear();
    await Promise.all(this.#leaving);
  }

  #keyed(address: UpstreamAddress): Keyed {
    const known = this.#upstreams.get(address.id);
    if (known !== undefined) {
      if (known.address === address) return known;
      if (isSameAddress(known.address, address)) {
        known.address = address;
        return known;
      }
      // Registered anew with another URL or other credentials. Requests under way may end.
      this.#evictAll(known);
    }
    const made: Keyed = { address, byKey: new Map(), byIdentity: new WeakMap() };
    this.#upstreams.set(address.id, made);
    return made;
  }

  #pooled(keyed: Keyed, key: string, passed: string[]): PooledUpstream {
    const known = keyed.byKey.get(key);
    if (known !== undefined) return known;
    if (keyed.byKey.size >= MAX_KEYS_PER_UPSTREAM) this.#evictOldest(keyed);
    const made = { ...this.#options.create(keyed.address, passed), isEvicted: false };
    keyed.byKey.set(key, made);
    return made;
  }

  #evictOldest(keyed: Keyed): void {
    let oldest: [string, PooledUpstream] | undefined;
    for (const one of keyed.byKey)
      if (oldest === undefined || one[1].pool.usedAtMs < oldest[1].pool.usedAtMs) oldest = one;
    if (oldest !== undefined) this.#evict(keyed, ...oldest);
  }

  #evict(keyed: Keyed, key: string, pooled: PooledUpstream): void {
    pooled.isEvicted = true;
    keyed.byKey.delete(key);
    this.#options.counts.keysEvicted++;
    const leaving = pooled.pool.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  #evictAll(keyed: Keyed): void {
    for (const [key, pooled] of keyed.byKey) this.#evict(keyed, key, pooled);
  }
}

/** @param identifying headers, as pairs behind each other */
function toKey(identity: CallerIdentity, identifying: string[]): string {
  // JSON keeps the parts apart: no value can be made to look like two.
  return createHash('sha256')
    .update(JSON.stringify([identity.sub, ...identifying]))
    .digest('base64url');
}

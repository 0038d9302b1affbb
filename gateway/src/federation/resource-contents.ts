// Contents of resources in memory: only of those whose upstream says for how long they are good (`ttlMs`, as revision 2026-07-28
// has it), never longer than that, and each for the identity that read them. Nothing else tells that a content may be kept: an
// upstream need not say when it changes. `notifications/resources/updated` and every change of the registry end it sooner.
import type { CacheStats, NamedCache } from '../cache/cache.ts';
import type { Config } from '../config.ts';
import { findMember } from '../mcp/json-text.ts';
import type { Caller, ForwardedAnswer, McpPorts } from '../mcp/ports.ts';
import { toViewerKey, viewerOf } from '../mcp/viewer.ts';

export const CONTENTS_CACHE = 'resource';
/** Larger ones are read each time: a thousand of these are 64 MB. */
const CONTENT_MAX_LENGTH = 64 * 1024;

export type ContentsConfig = Pick<Config, 'RESOURCE_CACHE_SIZE' | 'RESOURCE_CACHE_TTL' | 'ENABLE_HEADER_PASSTHROUGH'>;

interface Content {
  uri: string;
  answer: ForwardedAnswer;
  readAtMs: number;
  ttlMs: number;
}

export class ResourceContents implements NamedCache {
  readonly name = CONTENTS_CACHE;
  /** The oldest first. */
  readonly #contents = new Map<string, Content>();
  readonly #config: ContentsConfig;
  readonly #now: () => number;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  /** Counts what was dropped: what was being read meanwhile is not kept. */
  #version = 0;

  constructor(config: ContentsConfig, now: () => number = () => performance.now()) {
    this.#config = config;
    this.#now = now;
  }

  /** Around the door to the upstreams. `has` is asked each time: what the registry hides is not shown from here either. */
  around(has: McpPorts['has'], forward: McpPorts['forward']): McpPorts['forward'] {
    return (forwarded, caller) => {
      if (forwarded.method !== 'resources/read' || !this.#isFor(caller)) return forward(forwarded, caller);
      return this.#read(forwarded.name, caller, has, () => forward(forwarded, caller));
    };
  }

  /** @param uri undefined: all */
  drop(uri?: string): void {
    this.#version++;
    if (uri === undefined) this.#contents.clear();
    else for (const [key, content] of this.#contents) if (content.uri === uri) this.#contents.delete(key);
  }

  stats(): CacheStats {
    const { name } = this;
    return {
      name,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      size: this.#contents.size,
    };
  }

  /** A session has upstream sessions of its own, and headers that are passed on may ask for something else. */
  #isFor(caller: Caller): boolean {
    const { RESOURCE_CACHE_SIZE, ENABLE_HEADER_PASSTHROUGH } = this.#config;
    return RESOURCE_CACHE_SIZE > 0 && caller.session === undefined && !ENABLE_HEADER_PASSTHROUGH;
  }

  async #read(
    uri: string,
    caller: Caller,
    has: McpPorts['has'],
    load: () => Promise<ForwardedAnswer | undefined>,
  ): Promise<ForwardedAnswer | undefined> {
    // Two tokens of one user may be shown different things.
    const key = JSON.stringify([
      caller.identity.sub,
      toViewerKey(viewerOf(caller.identity)),
      caller.serverId ?? '',
      uri,
    ]);
    const kept = this.#contents.get(key);
    if (kept !== undefined && this.#isGood(kept) && (await has('resources', uri, caller.serverId, caller))) {
      this.#hits++;
      return kept.answer;
    }
    this.#misses++;
    const version = this.#version;
    const readAtMs = this.#now();
    const answer = await load();
    const ttlMs = answer?.ok === true && answer.resultType === undefined ? statedTtlMs(answer.resultJson) : 0;
    this.#contents.delete(key);
    if (answer !== undefined && ttlMs > 0 && version === this.#version) {
      this.#contents.set(key, { uri, answer, readAtMs, ttlMs });
      this.#shrink();
    }
    return answer;
  }

  #isGood({ readAtMs, ttlMs }: Content): boolean {
    return this.#now() - readAtMs < Math.min(ttlMs, this.#config.RESOURCE_CACHE_TTL * 1000);
  }

  #shrink(): void {
    for (const [key, content] of this.#contents) {
      if (this.#contents.size <= this.#config.RESOURCE_CACHE_SIZE) return;
      this.#contents.delete(key);
      if (this.#isGood(content)) this.#evictions++;
    }
  }
}

/** 0: it does not say, or it is too large. */
function statedTtlMs(resultJson: string): number {
  if (resultJson.length > CONTENT_MAX_LENGTH) return 0;
  const span = findMember(resultJson, 'ttlMs');
  const stated = span === undefined ? 0 : Number(resultJson.slice(span.start, span.end));
  return Number.isFinite(stated) ? stated : 0;
}

// CACHE_TYPE=database: a row per cache counts its invalidations; each process looks at the counts once a second and drops what
// others have changed. No LISTEN/NOTIFY: that holds a connection per worker, which no transaction pooler gives, and SQLite
// has none.
import type { Caches } from './caches.ts';

/** The rows, wherever they are. Both may reject: the database is not there now. */
export interface CacheVersions {
  /** All of them. */
  read(): Promise<Map<string, number>>;
  /** Counts each up by one; answers the new counts. */
  raise(names: string[]): Promise<Map<string, number>>;
}

export interface VersionsOptions {
  caches: Caches;
  versions: CacheVersions;
  /** Read at each turn. */
  everyMs: () => number;
}

/** Nothing is asked before the first turn. Disposing tells what is still untold. */
export function shareByVersions({ caches, versions, everyMs }: VersionsOptions): AsyncDisposable {
  let seen: Map<string, number> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const untold = new Set<string>();
  let telling: Promise<void> | undefined;

  async function tell(): Promise<void> {
    const names = [...untold].sort(); // one order for all processes: rows that are locked crosswise would deadlock
    if (names.length === 0) return;
    untold.clear();
    try {
      const raised = await versions.raise(names);
      for (const [name, version] of raised) {
        // One above what was seen: nobody else wrote meanwhile, and there is nothing to drop for.
        if (seen?.get(name) === version - 1) seen.set(name, version);
      }
    } catch {
      for (const name of names) untold.add(name); // the next turn tries again
    }
  }

  /** One at a time, so that one message holds all that came meanwhile. */
  function tellSoon(): void {
    if (telling !== undefined) return;
    telling = Promise.resolve()
      .then(tell)
      .finally(() => {
        telling = undefined;
      });
  }

  async function look(): Promise<void> {
    await tell();
    try {
      const now = await versions.read();
      for (const [name, version] of now) if (seen !== undefined && seen.get(name) !== version) caches.drop(name);
      // Before the first look there is nothing to compare with: what was loaded meanwhile may be older than it.
      if (seen === undefined) caches.dropAll();
      seen = now;
    } catch {
      // The database is not there: what is in memory is served for as long as its TTL says.
    }
    again();
  }

  function again(): void {
    if (!isClosed) timer = setTimeout(look, everyMs()).unref();
  }

  const stop = caches.onInvalidate((name) => {
    untold.add(name);
    tellSoon();
  });
  again();
  return {
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      stop();
      await telling;
      await tell();
    },
  };
}

// Tells who listens when what a list shows has changed: compared as it is read, so that a write that changes nothing is not
// told, and one of another process is, once it is seen.
import type { ListChange } from '../mcp/ports.ts';
import type { EntryKind } from './catalog.ts';
import type { CatalogRow } from './catalog-queries.ts';

type Listener = (change: ListChange) => void;

const everyKind = ['tools', 'resources', 'prompts'] as const;

export class ListChanges {
  /** And whether it wants to be told just now. */
  readonly #listeners = new Map<Listener, () => boolean>();
  readonly #shown = new Map<EntryKind, CatalogRow[]>();

  /** @returns what takes the listener back */
  listen(listener: Listener, isWanted: () => boolean): () => void {
    this.#listeners.set(listener, isWanted);
    return () => this.#listeners.delete(listener);
  }

  /** The entries of a kind as they were read just now, in the order of the list. */
  read(kind: EntryKind, rows: CatalogRow[]): void {
    const before = this.#shown.get(kind);
    this.#shown.set(kind, rows);
    if (before === undefined || !this.#isAnyWanted() || isSame(before, rows)) return;
    this.#tell({ kinds: [kind === 'resourceTemplates' ? 'resources' : kind], serverId: undefined });
  }

  /** Entries were written. What changed shows when they are read: now, when somebody wants to be told. */
  written(readAnew: () => unknown): void {
    if (this.#isAnyWanted()) void Promise.resolve(readAnew()).catch(leaveToNextReader);
  }

  /** Who belongs to this virtual server (undefined: to any) may be others now. */
  membersWritten(serverId: string | undefined): void {
    this.#tell({ kinds: everyKind, serverId });
  }

  #isAnyWanted(): boolean {
    for (const isWanted of this.#listeners.values()) if (isWanted()) return true;
    return false;
  }

  #tell(change: ListChange): void {
    for (const listener of this.#listeners.keys()) listener(change);
  }
}

function isSame(before: CatalogRow[], rows: CatalogRow[]): boolean {
  return before.length === rows.length && before.every((row, at) => isSameRow(row, rows[at]));
}

function isSameRow(one: CatalogRow, other: CatalogRow | undefined): boolean {
  if (other === undefined || one.id !== other.id || one.json !== other.json) return false;
  if (one.audiences === undefined && other.audiences === undefined) return true;
  return JSON.stringify(one.audiences) === JSON.stringify(other.audiences);
}

function leaveToNextReader(): void {}

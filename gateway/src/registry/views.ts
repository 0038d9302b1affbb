// One list, as each of those sees it who may see different parts of it. Where everything is public, which is what counts on the
// request path, there is one for all.
import { LRUCache } from 'lru-cache';
import { type Audience, isShownTo, type Viewer } from '../mcp/viewer.ts';

/** Something that may be for some only. */
export interface Shown {
  /** Each of them has to let somebody in; undefined: everybody may see it. */
  audiences?: readonly Audience[] | undefined;
}

/** Further ones are made when they are asked for. */
const VIEWS_KEPT = 200;

export class Views<S extends Shown, V extends object> {
  readonly #rows: readonly S[];
  readonly #create: (rows: readonly S[]) => V;
  /** What an administrator sees. */
  readonly #all: V;
  readonly #parts: { teams: Set<string>; owners: Set<string>; views: LRUCache<string, V> } | undefined;

  constructor(rows: readonly S[], create: (rows: readonly S[]) => V) {
    this.#rows = rows;
    this.#create = create;
    this.#all = create(rows);
    const audiences = rows.flatMap((row) => row.audiences ?? []);
    if (audiences.length === 0) return;
    const teams = audiences.flatMap(({ visibility, teamId }) =>
      visibility === 'team' && teamId !== null ? teamId : [],
    );
    const owners = audiences.flatMap(({ visibility, ownerEmail }) =>
      visibility === 'private' && ownerEmail !== null ? ownerEmail : [],
    );
    this.#parts = { teams: new Set(teams), owners: new Set(owners), views: new LRUCache({ max: VIEWS_KEPT }) };
  }

  /** On the request path. */
  of(viewer: Viewer): V {
    const parts = this.#parts;
    if (parts === undefined || viewer.isAdmin) return this.#all;
    // Those whom nothing here is for share the public part.
    const teams = viewer.teams.filter((team) => parts.teams.has(team)).toSorted();
    const owner = viewer.owner !== undefined && parts.owners.has(viewer.owner) ? viewer.owner : null;
    const key = JSON.stringify([owner, ...teams]);
    let view = parts.views.get(key);
    if (view === undefined) {
      view = this.#create(this.#rows.filter((row) => isRowShownTo(row, viewer)));
      parts.views.set(key, view);
    }
    return view;
  }
}

export function isRowShownTo({ audiences }: Shown, viewer: Viewer): boolean {
  return audiences === undefined || audiences.every((audience) => isShownTo(audience, viewer));
}

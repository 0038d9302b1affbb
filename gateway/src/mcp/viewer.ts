// Who is shown what: entries of the registry are for everybody, for a team, or for their owner.

/** Who looks. A grant (auth/identity.ts) is one. */
export interface Viewer {
  /** Sees everything. */
  readonly isAdmin: boolean;
  readonly teams: readonly string[];
  /** Whose private entries are shown, as the users table spells it; undefined: nobody's. */
  readonly owner: string | undefined;
}

/** Whom something is for. */
export interface Audience {
  readonly visibility: Visibility;
  readonly teamId: string | null;
  readonly ownerEmail: string | null;
}

export type Visibility = 'private' | 'team' | 'public';

/** The gateway itself, for what it does on its own. */
export const everything: Viewer = { isAdmin: true, teams: [], owner: undefined };
/** Whoever is not known: what nobody may see without a name is not shown by mistake. */
export const publicOnly: Viewer = { isAdmin: false, teams: [], owner: undefined };

export function viewerOf(identity: { readonly grant?: Viewer | undefined } | undefined): Viewer {
  return identity?.grant ?? publicOnly;
}

export function isShownTo({ visibility, teamId, ownerEmail }: Audience, viewer: Viewer): boolean {
  if (visibility === 'public' || viewer.isAdmin) return true;
  if (visibility === 'team') return teamId !== null && viewer.teams.includes(teamId);
  return ownerEmail !== null && ownerEmail === viewer.owner;
}

/** What keeps apart those who may be shown different things. */
export function toViewerKey({ isAdmin, teams, owner }: Viewer): string {
  return isAdmin ? '*' : JSON.stringify([owner ?? null, ...teams.toSorted()]);
}

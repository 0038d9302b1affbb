// The members of virtual servers: from the names or ids in a request to entries, and back.
import type { Kysely } from 'kysely';
import { GatewayError } from '../errors.ts';
import type { Viewer } from '../mcp/viewer.ts';
import { isIn } from '../store/portable.ts';
import type { Store } from '../store/store.ts';
import type { Database } from '../store/tables.ts';
import { shownTo } from './audience.ts';
import type { EntryKind } from './catalog.ts';

export interface Member {
  id: string;
  kind: EntryKind;
  name: string;
  /** The upstream's own name: of resources the URI. */
  uri: string;
}

/** What a request names. Resources include resource templates. */
export interface MemberNames {
  associatedTools?: string[];
  associatedResources?: string[];
  associatedPrompts?: string[];
}

const kindsOf: Record<keyof MemberNames, EntryKind[]> = {
  associatedTools: ['tools'],
  associatedResources: ['resources', 'resourceTemplates'],
  associatedPrompts: ['prompts'],
};

/**
 * By id, by public name, or (when only one entry has it) by the upstream's own name or URI; of what the
 * viewer may see.
 * @throws GW_INVALID_REQUEST with every name that nothing has, GW_NAME_AMBIGUOUS
 */
export async function resolveMembers(store: Store, names: MemberNames, viewer: Viewer): Promise<Member[]> {
  const members = new Map<string, Member>();
  const faults: { path: string; message: string }[] = [];
  for (const property of Object.keys(kindsOf) as (keyof MemberNames)[]) {
    const wanted = names[property] ?? [];
    const candidates = wanted.length === 0 ? [] : await readCandidates(store, kindsOf[property], wanted, viewer);
    const find = createFinder(candidates);
    wanted.forEach((name, index) => {
      const member = find(name);
      if (member !== undefined) members.set(member.id, member);
      else faults.push({ path: `/${property}/${index}`, message: `names nothing that is there: ${name.slice(0, 80)}` });
    });
  }
  if (faults.length > 0) {
    const detail = faults.map((fault) => `body ${fault.path} ${fault.message}`).join('\n');
    throw new GatewayError('GW_INVALID_REQUEST', { detail, faults });
  }
  return [...members.values()];
}

/** Those that the viewer may see, by the server's id, in paging order; a server without any is not in it. */
export async function membersOf(store: Store, serverIds: string[], viewer: Viewer): Promise<Map<string, Member[]>> {
  if (serverIds.length === 0) return new Map();
  const rows = await store.query((db) =>
    db
      .selectFrom('server_entries')
      .innerJoin('entries', 'entries.id', 'server_entries.entry_id')
      .innerJoin('gateways', 'gateways.id', 'entries.gateway_id')
      .select([
        'server_entries.server_id',
        'entries.id',
        'entries.kind',
        'entries.name',
        'entries.original_name as uri',
      ])
      .where(isIn('server_entries.server_id', serverIds))
      .where(shownTo('entries', viewer))
      .where(shownTo('gateways', viewer))
      .orderBy('entries.seq')
      .execute(),
  );
  return group(rows, (row) => row.server_id);
}

/** Ids first: as a rule a request names nothing else, and then the primary key answers alone. */
async function readCandidates(store: Store, kinds: EntryKind[], wanted: string[], viewer: Viewer): Promise<Member[]> {
  const candidates = (db: Kysely<Database>) =>
    db
      .selectFrom('entries')
      .innerJoin('gateways', 'gateways.id', 'entries.gateway_id')
      .select(['entries.id', 'entries.kind', 'entries.name', 'entries.original_name as uri'])
      .where('entries.kind', 'in', kinds)
      .where(shownTo('entries', viewer))
      .where(shownTo('gateways', viewer));
  const byId = await store.query((db) => candidates(db).where(isIn('entries.id', wanted)).execute());
  const found = new Set(byId.map((row) => row.id));
  const names = wanted.filter((name) => !found.has(name));
  if (names.length === 0) return byId;
  const byName = await store.query((db) =>
    candidates(db)
      .where((row) => row.or([isIn('entries.name', names), isIn('entries.original_name', names)]))
      .execute(),
  );
  return [...byId, ...byName];
}

/** @throws (from the returned function) GW_NAME_AMBIGUOUS */
function createFinder(candidates: Member[]): (name: string) => Member | undefined {
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const byName = group(candidates, (candidate) => candidate.name);
  const byOriginalName = group(candidates, (candidate) => candidate.uri);
  return (name) => {
    const member = byId.get(name);
    if (member !== undefined) return member;
    const named = byName.get(name) ?? byOriginalName.get(name) ?? [];
    if (named.length > 1) {
      const detail = `${JSON.stringify(name)} may be ${named.map((candidate) => `${candidate.name} (${candidate.id})`).join(', ')}`;
      throw new GatewayError('GW_NAME_AMBIGUOUS', { detail });
    }
    return named[0];
  };
}

function group<M extends Member>(members: M[], keyOf: (member: M) => string): Map<string, M[]> {
  const groups = new Map<string, M[]>();
  for (const member of members) {
    const same = groups.get(keyOf(member));
    if (same === undefined) groups.set(keyOf(member), [member]);
    else same.push(member);
  }
  return groups;
}

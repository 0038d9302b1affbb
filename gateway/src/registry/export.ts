// The registry as one document: what was registered by hand, so that `import.ts` can make it again elsewhere. What upstreams
// offer is not in it: it is asked anew. Credentials are as they lie in the database: sealed, of use only with the same secret.
import { Type } from 'typebox';
import { everything } from '../mcp/viewer.ts';
import { REST_GATEWAY_ID } from '../store/migrations/0002-tags-and-rest.ts';
import type { Store } from '../store/store.ts';
import { version } from '../version.ts';
import { toAudience } from './audience.ts';
import { readOutside } from './body.ts';
import { toNames } from './catalog-queries.ts';
import { membersOf } from './members.ts';
import { parseTags, toTags } from './tags.ts';

/** In the order in which they are made again: each may name what stands before it. */
export const exportedKinds = ['gateways', 'tools', 'resources', 'prompts', 'servers'] as const;
export type ExportedKind = (typeof exportedKinds)[number];
export type Exported = Record<string, unknown> & { name: string };

export interface RegistryDocument {
  version: string;
  exported_at: string;
  exported_by: string;
  entities: Partial<Record<ExportedKind, Exported[]>>;
  metadata: { entity_counts: Record<string, number> };
}

const Kinds = Type.String({ pattern: `^(${exportedKinds.join('|')})(,(${exportedKinds.join('|')}))*$` });
const ExportQuery = Type.Object({
  types: Type.Optional(Kinds),
  exclude_types: Type.Optional(Kinds),
  tags: Type.Optional(Type.String({ minLength: 1 })),
  include_inactive: Type.Union([Type.Literal('true'), Type.Literal('false')], { default: 'false' }),
});

/** @throws GW_INVALID_REQUEST, GW_DATABASE_UNAVAILABLE */
export async function exportRegistry(store: Store, query: unknown, user: string): Promise<RegistryDocument> {
  const wanted = readOutside(ExportQuery, query, 'query');
  const excluded = wanted.exclude_types?.split(',') ?? [];
  const kinds = exportedKinds.filter(
    (kind) => (wanted.types?.split(',').includes(kind) ?? true) && !excluded.includes(kind),
  );
  const tags = wanted.tags === undefined ? undefined : toTags(wanted.tags.split(','));
  const isWanted = (entity: Exported) =>
    (wanted.include_inactive === 'true' || entity['enabled'] === true) &&
    (tags === undefined || tags.some((tag) => (entity['tags'] as string[]).includes(tag)));
  const entities: RegistryDocument['entities'] = {};
  for (const kind of kinds) entities[kind] = (await readers[kind](store)).filter(isWanted);
  return {
    version,
    exported_at: new Date().toISOString(),
    exported_by: user,
    entities,
    metadata: {
      entity_counts: Object.fromEntries(Object.entries(entities).map(([kind, list]) => [kind, list.length])),
    },
  };
}

const readers: Record<ExportedKind, (store: Store) => Promise<Exported[]>> = {
  async gateways(store) {
    const rows = await store.query((db) =>
      db.selectFrom('gateways').selectAll().where('id', '!=', REST_GATEWAY_ID).orderBy('seq').execute(),
    );
    return rows.map(
      ({ name, url, transport, description, enabled, tags, headers_json, passthrough_headers, ...row }) => ({
        ...{ name, url, transport, description, enabled },
        passthroughHeaders: toNames(passthrough_headers),
        tags: parseTags(tags),
        ...toAudience(row),
        credentials: headers_json,
      }),
    );
  },
  tools: (store) => readEntries(store, ['tools']),
  resources: (store) => readEntries(store, ['resources', 'resourceTemplates']),
  prompts: (store) => readEntries(store, ['prompts']),
  async servers(store) {
    const rows = await store.query((db) => db.selectFrom('servers').selectAll().orderBy('seq').execute());
    const members = await membersOf(
      store,
      rows.map(({ id }) => id),
      everything,
    );
    return rows.map(({ id, name, description, icon, enabled, tags, ...row }) => {
      const own = members.get(id) ?? [];
      const namesOf = (...kinds: string[]) =>
        own.flatMap((member) => (kinds.includes(member.kind) ? [member.name] : []));
      return {
        ...{ name, description, icon, enabled },
        tags: parseTags(tags),
        ...toAudience(row),
        associatedTools: namesOf('tools'),
        associatedResources: own.flatMap(({ kind, uri }) => (kind.startsWith('resource') ? [uri] : [])),
        associatedPrompts: namesOf('prompts'),
      };
    });
  },
};

type EntryKinds = ('tools' | 'resources' | 'resourceTemplates' | 'prompts')[];

/** Those that were created by hand. */
async function readEntries(store: Store, kinds: EntryKinds): Promise<Exported[]> {
  const rows = await store.query((db) =>
    db
      .selectFrom('entries')
      .innerJoin('gateways', 'gateways.id', 'entries.gateway_id')
      .select(['entries.name', 'entries.original_name', 'entries.kind', 'entries.mcp_json', 'entries.enabled'])
      .select(['entries.tags', 'entries.rest_url', 'entries.rest_method', 'entries.rest_headers'])
      .select(['entries.visibility', 'entries.team_id', 'entries.owner_email'])
      .select('gateways.name as gateway_name')
      .where('entries.kind', 'in', kinds)
      .where('entries.discovered', '=', false)
      .orderBy('entries.seq')
      .execute(),
  );
  return rows.map((row) => {
    const { title, ...mcp } = JSON.parse(row.mcp_json) as Record<string, unknown>;
    const own =
      row.rest_url === null
        ? { integrationType: 'MCP', gatewayName: row.gateway_name, originalName: row.original_name }
        : {
            integrationType: 'REST',
            url: row.rest_url,
            requestType: row.rest_method,
            credentials: row.rest_headers ?? '{}',
          };
    const { visibility, team_id, owner_email } = row;
    return {
      ...mcp,
      ...own,
      ...{ name: row.name, displayName: title, enabled: row.enabled, tags: parseTags(row.tags) },
      // Without one of its own it has that of its gateway, there as here.
      ...(visibility === null ? {} : toAudience({ visibility, team_id, owner_email })),
    };
  });
}

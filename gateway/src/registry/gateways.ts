// Gateways: the upstream MCP servers. Registering one asks it what it offers and stores that; deleting it removes all of it.
import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Upstream } from '../federation/upstream.ts';
import { everything, isShownTo, type Viewer } from '../mcp/viewer.ts';
import { parse } from '../parse.ts';
import type { AddressGuard } from '../ssrf.ts';
import { REST_GATEWAY_ID } from '../store/migrations/0002-tags-and-rest.ts';
import { now } from '../store/portable.ts';
import type { Log, Store } from '../store/store.ts';
import type { GatewaysTable } from '../store/tables.ts';
import { isAudienceWanted, readAudience, requireTeam, shownTo, toAudience, toAudienceColumns } from './audience.ts';
import type { CatalogGateway } from './catalog.ts';
import { Headers, toNames } from './catalog-queries.ts';
import type { CredentialBox } from './credentials.ts';
import { discover, storeDiscovered } from './discovery.ts';
import { notFound } from './entries.ts';
import { type GatewayRequest, parseGatewayCreate, parseGatewayUpdate } from './gateway-body.ts';
import { type Page, parseListQuery, toPage } from './paging.ts';
import { toSlug } from './slug.ts';
import { hasOneOf, parseTags } from './tags.ts';

/** What is not for the viewer is not there for him: GW_NOT_FOUND. Every method may throw GW_DATABASE_UNAVAILABLE. */
export interface GatewayService {
  /** @throws GW_INVALID_REQUEST, GW_CONFLICT (name), GW_UPSTREAM_* (it could not be asked; nothing is stored) */
  register(body: unknown, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  read(id: string, viewer: Viewer): Promise<object>;
  /** @throws GW_INVALID_REQUEST, GW_INVALID_CURSOR */
  list(query: unknown, viewer: Viewer): Promise<Page<object>>;
  /** Asks the upstream again when its URL or its credentials changed. @throws as `register`, and GW_NOT_FOUND */
  update(id: string, body: unknown, viewer: Viewer): Promise<object>;
  /** Asks the upstream again. @throws GW_NOT_FOUND, GW_UPSTREAM_* */
  refresh(id: string, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  setEnabled(id: string, enabled: boolean, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  remove(id: string, viewer: Viewer): Promise<void>;
  /** All that are enabled and whose credentials can be read, for their health checks. */
  watched(): Promise<{ address: CatalogGateway; isReachable: boolean }[]>;
  /** Takes what it serves out of the lists; `refresh` brings it back. */
  setUnreachable(id: string): Promise<void>;
}

export interface GatewayServiceOptions {
  store: Store;
  connect: (gateway: CatalogGateway) => Upstream;
  config: Pick<
    Config,
    'TOOL_TIMEOUT' | 'GATEWAY_TOOL_NAME_SEPARATOR' | 'PAGINATION_DEFAULT_PAGE_SIZE' | 'PAGINATION_MAX_PAGE_SIZE'
  >;
  credentials: CredentialBox;
  log: Pick<Log, 'error'>;
  guard: Pick<AddressGuard, 'check'>;
  /** Called after each write. */
  changed: () => void;
}

type Row = Selectable<GatewaysTable>;

export function createGatewayService(options: GatewayServiceOptions): GatewayService {
  const { store, connect, config, credentials, log, guard, changed } = options;
  const separator = config.GATEWAY_TOOL_NAME_SEPARATOR;
  const deadlineMs = config.TOOL_TIMEOUT * 1000;

  async function readRow(id: string, viewer: Viewer): Promise<Row> {
    const row = await store.query((db) =>
      db.selectFrom('gateways').selectAll().where('id', '=', id).where('id', '!=', REST_GATEWAY_ID).executeTakeFirst(),
    );
    if (row === undefined || !isShownTo(toAudience(row), viewer)) throw notFound('gateway', id);
    return row;
  }

  /**
   * Sets what `wanted` names and nothing else. Asking comes first and outside the transaction: a slow upstream holds nothing
   * in the database. Its answer is stored only beside the URL and the credentials that it was asked with: when another
   * request has changed them meanwhile, all is done again (each time somebody's change has got in, so this ends).
   */
  async function change(
    id: string,
    wanted: Partial<GatewayRequest>,
    isRefresh: boolean,
    viewer: Viewer,
    wantedAudience: ReturnType<typeof readAudience> = {},
  ): Promise<object> {
    await requireTeam(store, wantedAudience, viewer);
    for (let isStored = false; !isStored; ) {
      const row = await readRow(id, viewer);
      const audience = isAudienceWanted(wantedAudience) ? toAudienceColumns(wantedAudience, viewer, row) : {};
      const { name, description, auth, tags, passthroughHeaders } = wanted;
      const url = wanted.url ?? row.url;
      const transport = wanted.transport ?? row.transport;
      const isAsked = isRefresh || url !== row.url || transport !== row.transport || auth !== undefined;
      if (wanted.url !== undefined) await guard.check(wanted.url);
      // New credentials take the place of the old ones, which may be the ones that nobody can read any more.
      const toAsked = () => ({ ...toGateway(row, credentials, auth?.headers), url, transport });
      const found = isAsked ? await discover(connect, toAsked(), deadlineMs) : undefined;
      isStored = await store.transaction(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('gateways')
          .set({
            // Kysely leaves out what is undefined. The slug stays: public names were made of it, and clients use them.
            name,
            url: wanted.url,
            transport: wanted.transport,
            passthrough_headers: passthroughHeaders === undefined ? undefined : toText(passthroughHeaders),
            description,
            auth_type: auth?.type,
            headers_json: auth === undefined ? undefined : credentials.seal(JSON.stringify(auth.headers)),
            tags: tags === undefined ? undefined : JSON.stringify(tags),
            ...audience,
            ...(found === undefined
              ? {}
              : { capabilities_json: JSON.stringify(found.capabilities), last_seen: now, reachable: true }),
            updated_at: now,
          })
          .where('id', '=', id)
          .where('url', '=', row.url)
          .where('headers_json', '=', row.headers_json)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        if (found !== undefined) await storeDiscovered(db, row, found, separator);
        return true;
      });
    }
    changed();
    return toRead(await readRow(id, everything));
  }

  /** Asked for every few seconds: what cannot be read is told once. */
  const unreadable = new Set<string>();
  function toWatched(row: Row): CatalogGateway | undefined {
    try {
      const address = toGateway(row, credentials);
      unreadable.delete(row.id);
      return address;
    } catch (error) {
      if (!unreadable.has(row.id)) log.error({ id: row.id, error: String(error) }, 'a gateway is not checked any more');
      unreadable.add(row.id);
      return undefined;
    }
  }

  return {
    async register(body, viewer) {
      const { name, url, description, auth, tags, transport, passthroughHeaders } = parseGatewayCreate(body);
      const wantedAudience = readAudience(body, 'gateway');
      const audience = toAudienceColumns(wantedAudience, viewer);
      await requireTeam(store, wantedAudience, viewer);
      await guard.check(url);
      const gateway: CatalogGateway = {
        id: randomUUID(),
        name,
        slug: toSlug(name),
        url,
        transport: transport ?? 'STREAMABLEHTTP',
        headers: auth?.headers ?? {},
      };
      await requireFree(store, gateway);
      const found = await discover(connect, gateway, deadlineMs);
      await store.transaction(async (db) => {
        await db
          .insertInto('gateways')
          .values({
            id: gateway.id,
            name,
            slug: gateway.slug,
            url,
            transport: gateway.transport,
            description: description ?? null,
            auth_type: auth?.type ?? null,
            headers_json: credentials.seal(JSON.stringify(gateway.headers)),
            tags: JSON.stringify(tags ?? []),
            passthrough_headers: toText(passthroughHeaders),
            capabilities_json: JSON.stringify(found.capabilities),
            ...audience,
          })
          .execute();
        await storeDiscovered(db, gateway, found, separator);
      });
      changed();
      return toRead(await readRow(gateway.id, everything));
    },
    read: async (id, viewer) => toRead(await readRow(id, viewer)),
    async list(query, viewer) {
      const { limit, skip, afterSeq, includeInactive, tags, visibility, teamId } = parseListQuery(
        'gateways',
        query,
        config,
      );
      const rows = await store.read((db) => {
        let gateways = db
          .selectFrom('gateways')
          .selectAll()
          .where('seq', '>', String(afterSeq))
          .where('id', '!=', REST_GATEWAY_ID);
        if (!viewer.isAdmin) gateways = gateways.where(shownTo('gateways', viewer));
        if (visibility !== undefined) gateways = gateways.where('visibility', '=', visibility);
        if (teamId !== undefined) gateways = gateways.where('team_id', '=', teamId);
        if (tags !== undefined) gateways = gateways.where(hasOneOf('gateways', tags));
        if (!includeInactive) gateways = gateways.where('enabled', '=', true);
        return gateways
          .orderBy('seq')
          .limit(limit + 1)
          .offset(skip)
          .execute();
      });
      return toPage('gateways', rows, limit, toRead);
    },
    // `async`: a body that is refused rejects, as everything else does.
    update: async (id, body, viewer) =>
      await change(id, parseGatewayUpdate(body), false, viewer, readAudience(body, 'gateway')),
    refresh: (id, viewer) => change(id, {}, true, viewer),
    async setEnabled(id, enabled, viewer) {
      if (!viewer.isAdmin) await readRow(id, viewer);
      await store.query((db) =>
        db
          .updateTable('gateways')
          .set({ enabled, updated_at: now })
          .where('id', '=', id)
          .where('id', '!=', REST_GATEWAY_ID)
          .execute(),
      );
      changed();
      return toRead(await readRow(id, viewer));
    },
    async watched() {
      const rows = await store.query((db) =>
        db
          .selectFrom('gateways')
          .selectAll()
          .where('enabled', '=', true)
          .where('id', '!=', REST_GATEWAY_ID)
          .orderBy('seq')
          .execute(),
      );
      return rows.flatMap((row) => {
        const address = toWatched(row);
        return address === undefined ? [] : [{ address, isReachable: row.reachable }];
      });
    },
    async setUnreachable(id) {
      await store.query((db) => db.updateTable('gateways').set({ reachable: false }).where('id', '=', id).execute());
      changed();
    },
    async remove(id, viewer) {
      if (!viewer.isAdmin) await readRow(id, viewer);
      const { numDeletedRows } = await store.query((db) =>
        db.deleteFrom('gateways').where('id', '=', id).where('id', '!=', REST_GATEWAY_ID).executeTakeFirst(),
      );
      if (numDeletedRows === 0n) throw notFound('gateway', id);
      changed();
    },
  };
}

/** Before the upstream is asked; the unique indexes have the last word. */
async function requireFree(store: Store, gateway: CatalogGateway): Promise<void> {
  const other = await store.query((db) =>
    db
      .selectFrom('gateways')
      .select('name')
      .where((row) => row.or([row('name', '=', gateway.name), row('slug', '=', gateway.slug)]))
      .executeTakeFirst(),
  );
  if (other === undefined) return;
  const detail = `the gateway ${JSON.stringify(other.name)} has the name or the slug (${gateway.slug})`;
  throw new GatewayError('GW_CONFLICT', { detail });
}

/** @param given instead of the stored ones, which are not opened then. @throws GW_CREDENTIALS_UNREADABLE */
function toGateway(row: Row, credentials: CredentialBox, given?: Record<string, string>): CatalogGateway {
  const headers = given ?? parse(Headers, JSON.parse(credentials.open(row.headers_json)), `gateway ${row.id}`);
  return { id: row.id, name: row.name, slug: row.slug, url: row.url, transport: row.transport, headers };
}

function toText(names: string[] | undefined): string | null {
  return names === undefined ? null : JSON.stringify(names);
}

/** Credentials are never part of it. */
function toRead(row: Row): object {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    url: row.url,
    description: row.description,
    transport: row.transport,
    capabilities: JSON.parse(row.capabilities_json),
    authType: row.auth_type,
    enabled: row.enabled,
    reachable: row.reachable,
    passthroughHeaders: toNames(row.passthrough_headers) ?? null,
    tags: parseTags(row.tags),
    visibility: row.visibility,
    teamId: row.team_id,
    ownerEmail: row.owner_email,
    lastSeen: row.last_seen,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

// Makes again what `export.ts` wrote. Each thing goes through the same door as one that is registered by hand; what fails is
// told and the rest goes on, since a registry is more useful with nine of ten upstreams than with none.
import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import { everything } from '../mcp/viewer.ts';
import { parse } from '../parse.ts';
import { isIn } from '../store/portable.ts';
import type { Log, Store } from '../store/store.ts';
import { readBody } from './body.ts';
import { Headers } from './catalog-queries.ts';
import type { CredentialBox } from './credentials.ts';
import type { EntryService } from './entries.ts';
import { type Exported, type ExportedKind, exportedKinds } from './export.ts';
import type { GatewayService } from './gateways.ts';
import type { ServerService } from './servers.ts';
import { toUniqueName } from './slug.ts';

const Entity = Type.Object({ name: Type.String({ minLength: 1 }) });
const Entities = Type.Object(
  Object.fromEntries(exportedKinds.map((kind) => [kind, Type.Array(Entity, { default: [], maxItems: 10_000 })])),
);

export const ImportRequest = Type.Object({
  importData: Type.Object({ entities: Entities }),
  conflictStrategy: Type.Enum(['skip', 'update', 'rename', 'fail'], {
    default: 'update',
    description: 'what to do with a name that is there already',
  }),
  dryRun: Type.Boolean({ default: false, description: 'tell what would be done, and do nothing' }),
  selectedEntities: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
});

export interface ImportReport {
  status: 'completed' | 'failed';
  dry_run: boolean;
  created: number;
  updated: number;
  skipped: number;
  failed: number;
  /** One per thing that failed. */
  errors: { kind: ExportedKind; name: string; code: string; detail: string }[];
}

export interface ImportParts {
  store: Store;
  credentials: CredentialBox;
  log: Pick<Log, 'error'>;
  gateways: GatewayService;
  servers: ServerService;
  tools: EntryService;
  resources: EntryService;
  resourceTemplates: EntryService;
  prompts: EntryService;
}

type Strategy = 'skip' | 'update' | 'rename' | 'fail';

/** @throws GW_INVALID_REQUEST for a document that is none; what fails inside is in the report */
export async function importRegistry(parts: ImportParts, body: unknown): Promise<ImportReport> {
  const { importData, conflictStrategy, dryRun, selectedEntities } = readBody(ImportRequest, body, 'import');
  const report: ImportReport = {
    status: 'completed',
    dry_run: dryRun,
    ...{ created: 0, updated: 0, skipped: 0, failed: 0 },
    errors: [],
  };
  /** Upstreams that a trial would have registered by the time they are named. */
  const planned = new Set(dryRun ? (importData.entities['gateways'] ?? []).map(({ name }) => name) : []);
  for (const kind of exportedKinds) {
    const given = (importData.entities[kind] ?? []) as Exported[];
    const wanted = given.filter(
      ({ name }) => selectedEntities?.[kind]?.includes(name) ?? selectedEntities === undefined,
    );
    const known = await knownNames(
      parts.store,
      kind,
      wanted.map(({ name }) => name),
    );
    const taken = new Set(known.keys());
    for (const entity of wanted) {
      try {
        const outcome = await importOne(parts, kind, entity, known.get(entity.name), {
          conflictStrategy,
          dryRun,
          taken,
          planned,
        });
        report[outcome] += 1;
      } catch (error) {
        report.failed += 1;
        report.errors.push({ kind, name: entity.name, ...toFailure(error) });
        if (!(error instanceof GatewayError)) parts.log.error({ err: error, kind, name: entity.name }, 'import failed');
      }
    }
  }
  if (report.failed > 0) report.status = 'failed';
  return report;
}

async function importOne(
  parts: ImportParts,
  kind: ExportedKind,
  entity: Exported,
  id: string | undefined,
  {
    conflictStrategy,
    dryRun,
    taken,
    planned,
  }: { conflictStrategy: Strategy; dryRun: boolean; taken: Set<string>; planned: Set<string> },
): Promise<'created' | 'updated' | 'skipped'> {
  if (id !== undefined && conflictStrategy === 'skip') return 'skipped';
  if (id !== undefined && conflictStrategy === 'fail') {
    throw new GatewayError('GW_CONFLICT', { detail: `there is one with the name ${entity.name}` });
  }
  const name =
    id === undefined || conflictStrategy === 'update' ? entity.name : toUniqueName(`${entity.name}-imported`, taken);
  const service = serviceOf(parts, kind, entity);
  const body = await toRestBody(parts, { ...entity, name }, planned);
  if (dryRun) return id !== undefined && conflictStrategy === 'update' ? 'updated' : 'created';
  const isUpdate = id !== undefined && conflictStrategy === 'update';
  const made = isUpdate ? await service.update(id, body, everything) : await service.create(body, everything);
  if (entity['enabled'] === false) await service.setEnabled((made as { id: string }).id, false, everything);
  return isUpdate ? 'updated' : 'created';
}

type Service = Pick<EntryService, 'create' | 'update' | 'setEnabled'>;

function serviceOf(parts: ImportParts, kind: ExportedKind, entity: Exported): Service {
  if (kind === 'gateways') return { ...parts.gateways, create: parts.gateways.register };
  if (kind === 'resources' && entity['uriTemplate'] !== undefined) return parts.resourceTemplates;
  return parts[kind];
}

/** The body as a client would send it: upstreams by their ids here, credentials opened. */
async function toRestBody(
  { store, credentials }: ImportParts,
  entity: Exported,
  planned: Set<string>,
): Promise<Record<string, unknown>> {
  const { credentials: sealed, gatewayName, enabled: _enabled, ...body } = entity;
  if (typeof sealed === 'string') {
    const headers = parse(Headers, JSON.parse(credentials.open(sealed)), 'credentials');
    const authHeaders = Object.entries(headers).map(([key, value]) => ({ key, value }));
    Object.assign(body, authHeaders.length === 0 ? { authType: 'none' } : { authType: 'authheaders', authHeaders });
  }
  if (typeof gatewayName === 'string') {
    const row = await store.query((db) =>
      db.selectFrom('gateways').select('id').where('name', '=', gatewayName).executeTakeFirst(),
    );
    if (row === undefined && !planned.has(gatewayName)) {
      throw new GatewayError('GW_NOT_FOUND', {
        detail: `its gateway ${JSON.stringify(gatewayName)} is not registered`,
      });
    }
    Object.assign(body, { gatewayId: row?.id });
  }
  return body;
}

async function knownNames(store: Store, kind: ExportedKind, names: string[]): Promise<Map<string, string>> {
  const rows = await store.query((db) => {
    if (kind === 'gateways')
      return db.selectFrom('gateways').select(['id', 'name']).where(isIn('name', names)).execute();
    if (kind === 'servers') return db.selectFrom('servers').select(['id', 'name']).where(isIn('name', names)).execute();
    const kinds = kind === 'resources' ? (['resources', 'resourceTemplates'] as const) : ([kind] as const);
    return db
      .selectFrom('entries')
      .select(['id', 'name'])
      .where('kind', 'in', kinds)
      .where(isIn('name', names))
      .execute();
  });
  return new Map(rows.map(({ name, id }) => [name, id]));
}

function toFailure(error: unknown): { code: string; detail: string } {
  if (error instanceof GatewayError) return { code: error.code, detail: error.detail };
  return { code: 'GW_INTERNAL', detail: 'the gateway failed: its log has the reason' };
}

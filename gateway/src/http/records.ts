// What was written down, for administrators: JSON only. `/metrics` is Prometheus' here, so ContextForge's JSON aggregate of that
// name is at /admin/metrics.
import type {
  FastifyInstance,
  FastifyPluginCallback,
  onRequestHookHandler,
  onSendHookHandler,
  RouteOptions,
} from 'fastify';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import type { ExecutionFigures } from '../records/figures.ts';
import type { Records } from '../records/index.ts';
import { countSockets } from '../records/performance.ts';
import { type Journal, readJournal } from '../records/read-journal.ts';
import { readOutside } from '../registry/body.ts';
import type { Store } from '../store/store.ts';

export interface RecordRoutesOptions {
  records: Records;
  store: Pick<Store, 'query'>;
  config: Pick<Config, 'MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED'>;
}

const Top = Type.Object({ top: Type.Integer({ default: 5, minimum: 0, maximum: 100 }) });

/** Paths below /admin ask for an administrator (permissions.ts). What is off is not there: 404. */
export const recordRoutes: FastifyPluginCallback<RecordRoutesOptions> = (app, { records, store, config }, done) => {
  const { figures, performance: tracked } = records;
  if (figures !== undefined) {
    app.get('/admin/metrics', (request) => figures.overview(readOutside(Top, toNumbers(request.query), 'query').top));
  }
  if (tracked !== undefined) {
    app.get('/admin/performance', async () => ({
      uptimeSeconds: process.uptime(),
      operations: tracked.figures(),
      records: records.buffers(),
      ...(config.MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED ? { netConnections: await countSockets() } : {}),
    }));
  }
  const journal = (path: string, isOn: boolean, name: Journal) => {
    if (isOn) app.get(path, async (request) => readJournal(store, name, request.query, () => records.flush()));
  };
  journal('/admin/audit', records.audit !== undefined, 'audit_trail');
  journal('/admin/security-events', records.security !== undefined, 'security_events');
  journal('/admin/logs', records.logLine !== undefined, 'structured_log_entries');
  journal('/admin/token-usage', records.tokenUse !== undefined, 'token_usage');
  done();
};

function toNumbers(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, /^\d+$/.test(String(value)) ? Number(value) : value]),
  );
}

const entryRoutes = /^\/(servers\/:id\/)?(tools|resources|prompts)(\/:id)?$/;

/** `?include_metrics=true` on tools, resources and prompts. Before their routes are registered. */
export function includeFigures(app: FastifyInstance, figures: ExecutionFigures | undefined): void {
  if (figures === undefined) return;
  const onSend: onSendHookHandler = async function addFigures(request, reply, payload) {
    if (!request.url.includes('include_metrics=true') || reply.statusCode !== 200) return payload;
    const text = Buffer.isBuffer(payload) ? payload.toString() : payload;
    if (typeof text !== 'string') return payload;
    const body: unknown = JSON.parse(text);
    const entries = entriesIn(body);
    const known = await figures.of(entries.map(({ id }) => id));
    for (const entry of entries) {
      entry['metrics'] = known.get(entry.id) ?? null;
      entry['executionCount'] = known.get(entry.id)?.totalExecutions ?? 0;
    }
    reply.removeHeader('content-length');
    return JSON.stringify(body);
  };
  app.addHook('onRoute', (route: RouteOptions) => {
    if (![route.method].flat().includes('GET') || !entryRoutes.test(route.url)) return;
    route.onSend = [...[route.onSend ?? []].flat(), onSend];
    // A route's own hooks run last: compressed by then, the answer could not be added to.
    const onRequest: onRequestHookHandler = function sendPlain(request, _reply, done) {
      if (request.url.includes('include_metrics=true')) delete request.headers['accept-encoding'];
      done();
    };
    route.onRequest = [onRequest, ...[route.onRequest ?? []].flat()];
  });
}

type Entry = Record<string, unknown> & { id: string };

/** One entry, a list, or a list that is wrapped. */
function entriesIn(body: unknown): Entry[] {
  if (Array.isArray(body)) return body.filter(isEntry);
  if (isEntry(body)) return [body];
  if (typeof body !== 'object' || body === null) return [];
  return Object.values(body).flatMap((value: unknown) => (Array.isArray(value) ? value.filter(isEntry) : []));
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
}

// What the REST routes of all kinds share: parameters, the shape of a list, and the routes that every kind has.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { mayDo } from '../auth/identity.ts';
import type { Cache } from '../cache/cache.ts';
import { toViewerKey, type Viewer, viewerOf } from '../mcp/viewer.ts';
import { readOutside } from '../registry/body.ts';
import type { ListBytes } from '../registry/lists.ts';
import type { Page } from '../registry/paging.ts';
import { shownUrl } from '../shown-url.ts';
import { readJsonText } from './read-json.ts';

const IdParams = Type.Object({ id: Type.String({ minLength: 1 }) });
const Activate = Type.Object({
  activate: Type.Union([Type.Literal('true'), Type.Literal('false')], { default: 'true' }),
});
const ListShape = Type.Object({ include_pagination: Type.String({ default: 'false' }) });

export function idOf(request: FastifyRequest): string {
  return readOutside(IdParams, request.params, 'path').id;
}

/**
 * An array, as ContextForge answers; with `?include_pagination=true` an object `{ <list>: [...], nextCursor }`. Either way the
 * cursor of the next page also stands in the header `X-Next-Cursor`.
 */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { list, cache, load }: { list: string; cache: Cache<ListBytes>; load: () => Promise<Page<object>> },
): Promise<FastifyReply> {
  const page = cache.getOrLoad(`${scopeOf(request)} ${mayChange(request, list)} ${request.url}`, async () => {
    const { items, nextCursor } = await load();
    const isWrapped = readOutside(ListShape, request.query, 'query').include_pagination === 'true';
    const shown = mayChange(request, list) ? items : items.map(withoutKey);
    return { body: Buffer.from(JSON.stringify(isWrapped ? { [list]: shown, nextCursor } : shown)), nextCursor };
  });
  const { body, nextCursor } = page instanceof Promise ? await page : page;
  if (nextCursor !== undefined) reply.header('X-Next-Cursor', nextCursor);
  return reply.header('content-type', 'application/json; charset=utf-8').send(body);
}

/** Without AUTH_REQUIRED everybody may. */
function mayChange({ identity }: FastifyRequest, list: string): boolean {
  return identity === undefined || mayDo(identity, `${list}.update`);
}

/** The key of an upstream often stands in the query of its URL: it is for those who may change it. */
function withoutKey(item: object): object {
  return 'url' in item && typeof item.url === 'string' ? { ...item, url: shownUrl(item.url) } : item;
}

/** Who is served the same list: whatever decides what a list shows to someone must be in here. */
function scopeOf({ identity }: FastifyRequest): string {
  return `${identity?.sub ?? ''} ${toViewerKey(viewerOf(identity))}`;
}

/**
 * Clients that send `Content-Type: application/json` with every request send it with DELETE and toggles too, which have no
 * body; Fastify's own parser would refuse that.
 */
export function acceptEmptyBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      if (body.length === 0) done(null, undefined);
      else parseJson(request, readJsonText(app, body), done);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** The methods that services of all kinds have. */
export interface RestService {
  read(id: string, viewer: Viewer): Promise<object>;
  list(query: unknown, viewer: Viewer): Promise<Page<object>>;
  update(id: string, body: unknown, viewer: Viewer): Promise<object>;
  setEnabled(id: string, enabled: boolean, viewer: Viewer): Promise<object>;
  remove(id: string, viewer: Viewer): Promise<void>;
}

/**
 * `GET /`, `POST /`, `GET|PUT|DELETE /:id`, `POST /:id/toggle` (ContextForge calls it `/state` since 1.0).
 * @param names the path, the name of the list inside a wrapped answer, and the noun for messages
 */
export function registerRestRoutes(
  app: FastifyInstance,
  { path, list, noun, cache }: { path: string; list: string; noun: string; cache: Cache<ListBytes> },
  service: RestService,
  create: (body: unknown, viewer: Viewer) => Promise<object>,
): void {
  app.get(path, (request, reply) =>
    sendPage(request, reply, { list, cache, load: () => service.list(request.query, viewerOf(request.identity)) }),
  );
  app.post(path, async (request, reply) =>
    reply.code(201).send(await create(request.body, viewerOf(request.identity))),
  );
  app.get(`${path}/:id`, async (request) => {
    const item = await service.read(idOf(request), viewerOf(request.identity));
    return mayChange(request, list) ? item : withoutKey(item);
  });
  app.put(`${path}/:id`, (request) => service.update(idOf(request), request.body, viewerOf(request.identity)));
  app.delete(`${path}/:id`, async (request) => {
    const id = idOf(request);
    await service.remove(id, viewerOf(request.identity));
    return { status: 'success', message: `${noun} ${id} deleted` };
  });
  for (const action of ['toggle', 'state']) {
    app.post(`${path}/:id/${action}`, (request) => {
      const { activate } = readOutside(Activate, request.query, 'query');
      return service.setEnabled(idOf(request), activate === 'true', viewerOf(request.identity));
    });
  }
}

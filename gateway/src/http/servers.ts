import type { FastifyPluginAsync } from 'fastify';
import { viewerOf } from '../mcp/viewer.ts';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, idOf, registerRestRoutes, sendPage } from './rest.ts';

/** Virtual servers, and what each serves. */
export const serverRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  const { servers } = registry;
  registerRestRoutes(
    app,
    { path: '/servers', list: 'servers', noun: 'server', cache: registry.lists.servers },
    servers,
    servers.create,
  );
  for (const kind of ['tools', 'resources', 'prompts'] as const) {
    app.get(`/servers/:id/${kind}`, (request, reply) =>
      sendPage(request, reply, {
        list: kind,
        cache: registry.lists[kind],
        load: () => registry[kind].listOfServer(idOf(request), request.query, viewerOf(request.identity)),
      }),
    );
  }
};

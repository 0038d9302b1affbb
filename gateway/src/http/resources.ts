import type { FastifyPluginAsync } from 'fastify';
import { viewerOf } from '../mcp/viewer.ts';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, registerRestRoutes, sendPage } from './rest.ts';

export const resourceRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  const { resources, resourceTemplates } = registry;
  const cache = registry.lists.resources;
  registerRestRoutes(
    app,
    { path: '/resources', list: 'resources', noun: 'resource', cache },
    resources,
    resources.create,
  );
  const templates = { path: '/resources/templates', list: 'resourceTemplates', noun: 'resource template', cache };
  registerRestRoutes(app, templates, resourceTemplates, resourceTemplates.create);
  // ContextForge's path of the same list.
  app.get('/resources/templates/list', (request, reply) =>
    sendPage(request, reply, {
      list: 'resourceTemplates',
      cache,
      load: () => resourceTemplates.list(request.query, viewerOf(request.identity)),
    }),
  );
};

import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, registerRestRoutes, sendPage } from './rest.ts';

export const resourceRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  const { resources, resourceTemplates } = registry;
  const cache = registry.lists.resources;
  registerRestRoutes(app, { path: '/resources', list: 'resources', noun: 'resource', cache }, resources, (body) =>
    resources.create(body),
  );
  const templates = { path: '/resources/templates', list: 'resourceTemplates', noun: 'resource template', cache };
  registerRestRoutes(app, templates, resourceTemplates, (body) => resourceTemplates.create(body));
  // ContextForge's path of the same list.
  app.get('/resources/templates/list', (request, reply) =>
    sendPage(request, reply, {
      list: 'resourceTemplates',
      cache,
      load: () => resourceTemplates.list(request.query),
    }),
  );
};

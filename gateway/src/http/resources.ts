import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, registerRestRoutes, sendPage } from './rest.ts';

export const resourceRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  const { resources, resourceTemplates } = registry;
  registerRestRoutes(app, { path: '/resources', list: 'resources', noun: 'resource' }, resources, (body) =>
    resources.create(body),
  );
  const templates = { path: '/resources/templates', list: 'resourceTemplates', noun: 'resource template' };
  registerRestRoutes(app, templates, resourceTemplates, (body) => resourceTemplates.create(body));
  // ContextForge's path of the same list.
  app.get('/resources/templates/list', async (request, reply) =>
    sendPage(request, reply, 'resourceTemplates', await resourceTemplates.list(request.query)),
  );
};

import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, registerRestRoutes } from './rest.ts';

export const toolRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  registerRestRoutes(
    app,
    { path: '/tools', list: 'tools', noun: 'tool', cache: registry.lists.tools },
    registry.tools,
    registry.tools.create,
  );
};

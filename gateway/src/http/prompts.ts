import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, registerRestRoutes } from './rest.ts';

export const promptRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  registerRestRoutes(
    app,
    { path: '/prompts', list: 'prompts', noun: 'prompt', cache: registry.lists.prompts },
    registry.prompts,
    registry.prompts.create,
  );
};

import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from '../registry/index.ts';
import { registerRestRoutes } from './rest.ts';

export const promptRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  registerRestRoutes(app, { path: '/prompts', list: 'prompts', noun: 'prompt' }, registry.prompts, (body) =>
    registry.prompts.create(body),
  );
};

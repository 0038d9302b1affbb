// Export and import of the registry, as ContextForge has them.
import type { FastifyPluginAsync } from 'fastify';
import { requireAdmin } from '../auth/index.ts';
import type { Registry } from '../registry/index.ts';

export const transferRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  app.addHook('onRequest', requireAdmin);
  app.get('/export', (request) => registry.export(request.query, request.identity?.sub ?? ''));
  app.post('/import', (request) => registry.import(request.body));
};

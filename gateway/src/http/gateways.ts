import type { FastifyPluginAsync } from 'fastify';
import { viewerOf } from '../mcp/viewer.ts';
import type { Registry } from '../registry/index.ts';
import { acceptEmptyBodies, idOf, registerRestRoutes } from './rest.ts';

/** Upstream MCP servers. Registering one asks it what it offers. */
export const gatewayRoutes: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  acceptEmptyBodies(app);
  const { gateways } = registry;
  registerRestRoutes(
    app,
    { path: '/gateways', list: 'gateways', noun: 'gateway', cache: registry.lists.gateways },
    gateways,
    gateways.register,
  );
  app.post('/gateways/:id/tools/refresh', (request) => gateways.refresh(idOf(request), viewerOf(request.identity)));
};

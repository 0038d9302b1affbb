import type { FastifyPluginCallback } from 'fastify';
import type { PoolMetrics } from '../federation/upstreams.ts';

/** The session pools and circuit breakers of this worker, under the source's names. */
export const mcpPoolRoutes: FastifyPluginCallback<{ poolMetrics: () => PoolMetrics }> = (
  app,
  { poolMetrics },
  done,
) => {
  app.get('/admin/mcp-pool/metrics', (_request, reply) => reply.send(poolMetrics()));
  done();
};

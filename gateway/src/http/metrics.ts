import type { FastifyPluginCallback } from 'fastify';
import { type Metrics, renderMetrics } from '../metrics.ts';

/** Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export const metricsRoutes: FastifyPluginCallback<{ metrics: Metrics }> = (app, { metrics }, done) => {
  app.get('/metrics', async (_request, reply) => {
    const text = await renderMetrics(metrics);
    return reply.header('content-type', metrics.registry.contentType).send(text);
  });
  done();
};

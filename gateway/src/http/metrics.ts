import type { FastifyPluginCallback } from 'fastify';
import type { Metrics } from '../metrics.ts';

export interface MetricsOptions {
  metrics: Metrics;
  /** Of this process, or of all workers. */
  render: () => Promise<string>;
}

/** Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export const metricsRoutes: FastifyPluginCallback<MetricsOptions> = (app, { metrics, render }, done) => {
  app.get('/metrics', async (_request, reply) => {
    const text = await render();
    return reply.header('content-type', metrics.registry.contentType).send(text);
  });
  done();
};

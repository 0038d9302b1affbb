// Counts every request, also those that their client gave up. The response's `close` event is the one that always comes;
// Fastify's onResponse hook does not run for aborted requests and costs two listeners where this costs one.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Metrics, observe, type Series, seriesOf } from '../metrics.ts';

interface Observed {
  request: FastifyRequest;
  startedAt: number;
}

const kObserved = Symbol('observed');

type ObservedResponse = ServerResponse & { [kObserved]?: Observed };

/** Call it before any other hook is added: what a later hook refuses is counted too. */
export function observeRequests(app: FastifyInstance, metrics: Metrics): void {
  /**
   * Per route (its own options object), method and status: no label is built on the request path but once. The method is
   * not the route's to tell: all requests that no route takes share one options object.
   */
  const known = new WeakMap<object, Map<string, Map<number, Series>>>();

  function seriesFor(request: FastifyRequest, status: number): Series {
    const { config } = request.routeOptions;
    let byMethod = known.get(config);
    if (byMethod === undefined) {
      byMethod = new Map();
      known.set(config, byMethod);
    }
    let byStatus = byMethod.get(request.method);
    if (byStatus === undefined) {
      byStatus = new Map();
      byMethod.set(request.method, byStatus);
    }
    let series = byStatus.get(status);
    if (series === undefined) {
      series = toSeries(metrics, request, status);
      byStatus.set(status, series);
    }
    return series;
  }

  function onClose(this: ObservedResponse): void {
    metrics.httpInFlight--;
    const observed = this[kObserved];
    if (observed === undefined) return;
    // 499, as nginx says it: the client went away before the answer was written.
    const status = this.writableEnded ? this.statusCode : 499;
    const series = seriesFor(observed.request, status);
    observe(series, (performance.now() - observed.startedAt) / 1000);
  }

  app.addHook('onRequest', function observeRequest(request: FastifyRequest, reply: FastifyReply, done: () => void) {
    metrics.httpInFlight++;
    const raw: ObservedResponse = reply.raw;
    raw[kObserved] = { request, startedAt: performance.now() };
    raw.on('close', onClose);
    done();
  });
}

/** The route's pattern, never the path as sent: labels stay few. */
function toSeries(metrics: Metrics, request: FastifyRequest, status: number): Series {
  const path = request.routeOptions.url ?? 'unknown';
  const method = request.method;
  return seriesOf(metrics.http, `${method} ${path} ${status}`, () => ({ method, path, status: String(status) }));
}

// Counts every request, also those that their client gave up. The response's `close` event is the one that always comes;
// Fastify's onResponse hook does not run for aborted requests and costs two listeners where this costs one.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { type Metrics, observe, type Series, seriesOf } from '../metrics.ts';
import type { Asked } from './exchange-ports.ts';

/** Of the request: which route it is of, and its method. */
export type ObservedRequest = Pick<Asked, 'method' | 'routeOptions'>;
/** Begins to watch a request whose answer is `response`. */
export type Observe = (request: ObservedRequest, response: ServerResponse) => void;

interface Observed {
  request: ObservedRequest;
  startedAt: number;
}

const kObserved = Symbol('observed');

type ObservedResponse = ServerResponse & { [kObserved]?: Observed };

export function createObserve(metrics: Metrics): Observe {
  /**
   * Per route (its own options object), method and status: no label is built on the request path but once. The method is
   * not the route's to tell: all requests that no route takes share one options object.
   */
  const known = new WeakMap<object, Map<string, Map<number, Series>>>();

  function seriesFor(request: ObservedRequest, status: number): Series {
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

  return function observeRequest(request, response: ObservedResponse) {
    metrics.httpInFlight++;
    response[kObserved] = { request, startedAt: performance.now() };
    response.on('close', onClose);
  };
}

/** Call it before any other hook is added: what a later hook refuses is counted too. */
export function observeRequests(app: FastifyInstance, observe: Observe): void {
  app.addHook('onRequest', function observeRequest(request, reply, done) {
    observe(request, reply.raw);
    done();
  });
}

/** The route's pattern, never the path as sent: labels stay few. */
function toSeries(metrics: Metrics, request: ObservedRequest, status: number): Series {
  const path = request.routeOptions.url ?? 'unknown';
  const method = request.method;
  return seriesOf(metrics.http, `${method} ${path} ${status}`, () => ({ method, path, status: String(status) }));
}

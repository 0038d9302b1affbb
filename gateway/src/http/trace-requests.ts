// Gives each request its trace: the correlation id, the timings of its layers, its span. What is off is not registered.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { type Metrics, observe, seriesOf } from '../metrics.ts';
import { LayerTimings, layers } from '../telemetry/layer-timings.ts';
import { currentTrace, RequestTrace } from '../telemetry/request-trace.ts';
import type { Tracer } from '../telemetry/tracer.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined while correlation ids, timings and traces are all off. */
    trace: RequestTrace | undefined;
  }
}

export interface TraceOptions {
  config: Pick<Config, 'CORRELATION_ID_ENABLED' | 'LAYER_TIMINGS_ENABLED'>;
  metrics: Metrics;
  tracer: Tracer | undefined;
}

export const CORRELATION_HEADER = 'x-correlation-id';
const ID_MAX_LENGTH = 128;

/** Fastify's `genReqId`: the client's id where it can stand in a header and a log line as it is, else a new one. */
export function toRequestId(raw: Pick<IncomingMessage, 'headers'>): string {
  const given = raw.headers[CORRELATION_HEADER];
  return typeof given === 'string' && isSane(given) ? given : randomUUID();
}

/** Printable ASCII without blanks, quotes, backslashes and angle brackets. */
function isSane(id: string): boolean {
  if (id.length === 0 || id.length > ID_MAX_LENGTH) return false;
  for (let at = 0; at < id.length; at++) {
    const code = id.charCodeAt(at);
    if (code <= 0x20 || code > 0x7e || code === 0x22 || code === 0x5c || code === 0x3c || code === 0x3e) return false;
  }
  return true;
}

/** Call it before any other hook is added: what a later hook refuses has its id and its timings too. */
export function traceRequests(app: FastifyInstance, { config, metrics, tracer }: TraceOptions): void {
  const { CORRELATION_ID_ENABLED: hasId, LAYER_TIMINGS_ENABLED: hasTimings } = config;
  app.decorateRequest('trace', undefined);
  if (hasTimings || tracer !== undefined) watchRequests(app, metrics, hasId, hasTimings, tracer);
  else if (hasId) {
    app.addHook('onRequest', function correlate(request, reply, done) {
      request.trace = new RequestTrace(request.id);
      reply.header(CORRELATION_HEADER, request.id);
      done();
    });
  }
}

function watchRequests(
  app: FastifyInstance,
  metrics: Metrics,
  hasId: boolean,
  hasTimings: boolean,
  tracer: Tracer | undefined,
): void {
  app.addHook('onRequest', function beginTrace(request, reply, done) {
    const trace = new RequestTrace(hasId ? request.id : undefined);
    request.trace = trace;
    if (hasId) reply.header(CORRELATION_HEADER, request.id);
    if (hasTimings) trace.timings = new LayerTimings();
    trace.span = tracer?.startRequest(toName(request), request.headers);
    trace.authSpan = trace.span?.child('auth', 'internal', {});
    trace.timings?.open('auth');
    const response: TracedResponse = reply.raw;
    response[kTraced] = request;
    response.on('close', endTrace);
    currentTrace.run(trace, done);
  });

  // The first hook behind all `onRequest` hooks: who asks is known, and that they may.
  app.addHook('preParsing', function admitted({ trace }, _reply, payload, done) {
    trace?.timings?.close();
    trace?.authSpan?.end();
    trace?.timings?.open('route');
    done(null, payload);
  });

  // Reading the body leaves the context; the handler needs it again.
  app.addHook('preValidation', function enterTrace({ trace }, _reply, done) {
    if (trace === undefined) done();
    else currentTrace.run(trace, done);
  });

  if (hasTimings) {
    app.addHook('preSerialization', function serializing({ trace }, _reply, payload, done) {
      openSerialize(trace);
      done(null, payload);
    });
    app.addHook('onSend', function tellTimings(request, reply, payload, done) {
      openSerialize(request.trace);
      // Timings are for who may use the gateway, not for who was refused at its door.
      if (request.headers['x-server-timing'] === '1' && request.identity !== undefined && request.trace?.timings) {
        reply.header('server-timing', request.trace.timings.toHeader());
      }
      done(null, payload);
    });
  }

  function endTrace(this: TracedResponse): void {
    const request = this[kTraced];
    const trace = request?.trace;
    if (request === undefined || trace === undefined) return;
    const { timings, span } = trace;
    if (timings !== undefined && isSample(request, this)) {
      timings.end();
      for (const layer of layers) observeLayer(metrics, layer, timings.ms[layer]);
    }
    if (span === undefined) return;
    span.set({ 'http.response.status_code': this.statusCode, 'http.route': request.routeOptions.url ?? 'unknown' });
    if (request.identity !== undefined) span.set({ 'enduser.id': request.identity.sub });
    if (this.statusCode >= 500) span.fail(`HTTP ${this.statusCode}`);
    trace.authSpan?.end();
    span.end();
  }
}

const kTraced = Symbol('traced');
type TracedResponse = ServerResponse & { [kTraced]?: FastifyRequest };

function openSerialize(trace: RequestTrace | undefined): void {
  const timings = trace?.timings;
  if (timings === undefined || timings.isOpen('serialize')) return;
  timings.close();
  timings.open('serialize');
}

/** A layer that a request did not touch is no sample of it. */
function observeLayer(metrics: Metrics, layer: string, ms: number): void {
  if (ms === 0) return;
  const series = seriesOf(metrics.layers, layer, () => ({ layer }));
  observe(series, ms / 1000);
}

/** An event stream lasts as long as its client likes, and who reads the figures must not be in them. */
function isSample(request: FastifyRequest, response: ServerResponse): boolean {
  return request.method !== 'GET' || (request.routeOptions.url !== '/metrics' && !isEventStream(response));
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}

function toName(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? 'unknown'}`;
}

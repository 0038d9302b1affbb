// What those who watch know of one request. It travels with the request (Fastify's request, the caller, the upstream call);
// only the database, which is asked without a caller, finds it by its asynchronous context.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LayerTimings } from './layer-timings.ts';
import type { TraceSpan } from './tracer.ts';

export class RequestTrace {
  /** Undefined with CORRELATION_ID_ENABLED off. */
  readonly correlationId: string | undefined;
  /** Go with every request to an upstream: name, value, name, value … */
  readonly upstreamHeaders: readonly string[];
  /** Undefined with LAYER_TIMINGS_ENABLED off. */
  timings: LayerTimings | undefined = undefined;
  /** Undefined with OBSERVABILITY_ENABLED off. */
  span: TraceSpan | undefined = undefined;
  /** Open until it is known who asks. */
  authSpan: TraceSpan | undefined = undefined;

  constructor(correlationId: string | undefined) {
    this.correlationId = correlationId;
    this.upstreamHeaders = correlationId === undefined ? [] : ['x-correlation-id', correlationId];
  }
}

/** Entered only while timings or traces are on: a context that is never entered costs the promises of this process nothing. */
export const currentTrace = new AsyncLocalStorage<RequestTrace>();

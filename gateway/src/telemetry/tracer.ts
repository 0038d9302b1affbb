// The port to whoever collects traces; otel.ts is loaded when OBSERVABILITY_ENABLED is on.
import type { IncomingHttpHeaders } from 'node:http';

export type SpanAttributes = Record<string, string | number | boolean>;

/** As W3C Trace Context writes it; unchecked. */
export interface TraceContext {
  traceparent: string;
  tracestate: string | undefined;
}

/** Times are those of `performance.now()`; undefined: now. */
export interface TraceSpan {
  /** W3C Trace Context of this span, for what it asks of others: name, value, name, value … */
  readonly headers: readonly string[];
  child(
    name: string,
    kind: 'internal' | 'client',
    attributes: SpanAttributes,
    startedAt?: number,
    /** Whom it continues instead, when that is another trace: this one is then a link of it. */
    remote?: TraceContext,
  ): TraceSpan;
  set(attributes: SpanAttributes): void;
  /** Marks it as failed. */
  fail(message: string): void;
  end(endedAt?: number): void;
}

export interface Tracer extends AsyncDisposable {
  /** The span of a request; its parent is the client's, when the headers name one (`traceparent`). */
  startRequest(name: string, headers: IncomingHttpHeaders): TraceSpan;
}

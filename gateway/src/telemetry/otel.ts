// Traces by OpenTelemetry's own packages: batched, sent as OTLP over HTTP, flushed on stop. Loaded only when they are on.
import {
  type Context,
  type Tracer as OtelApiTracer,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import type { Config } from '../config.ts';
import { version } from '../version.ts';
import { parseTraceparent } from './traceparent.ts';
import type { SpanAttributes, Tracer, TraceSpan } from './tracer.ts';

type OtelConfig = Pick<
  Config,
  'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_EXPORTER_OTLP_HEADERS' | 'OTEL_SERVICE_NAME' | 'OBSERVABILITY_SAMPLE_RATE'
>;

/** Time that the collector has for a batch; a stop waits no longer. */
const EXPORT_TIMEOUT_MS = 5000;

export function createOtelTracer(config: OtelConfig, log: { warn(detail: object, message: string): void }): Tracer {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '');
  if (new URL(endpoint).port === '4317') {
    log.warn(
      { endpoint },
      'traces go out over HTTP; 4317 is the port that collectors keep for gRPC, 4318 the one for HTTP',
    );
  }
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': config.OTEL_SERVICE_NAME, 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.OBSERVABILITY_SAMPLE_RATE) }),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({
          url: endpoint.endsWith('/v1/traces') ? endpoint : `${endpoint}/v1/traces`,
          headers: toHeaders(config.OTEL_EXPORTER_OTLP_HEADERS),
          timeoutMillis: EXPORT_TIMEOUT_MS,
        }),
        { exportTimeoutMillis: EXPORT_TIMEOUT_MS },
      ),
    ],
  });
  const tracer = provider.getTracer('gatebench-gateway', version);
  return {
    startRequest(name, headers) {
      const parent = parseTraceparent(headers['traceparent'], headers['tracestate']);
      const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
      const attributes = { 'http.request.method': name.split(' ', 1)[0] ?? '' };
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, context);
      return toTraceSpan(tracer, span, context, headers['tracestate']);
    },
    async [Symbol.asyncDispose]() {
      // What could not be sent is lost: a collector that is away must not fail the stop.
      await provider.shutdown().catch((error: unknown) => log.warn({ error: String(error) }, 'traces were not sent'));
    },
  };
}

function toTraceSpan(
  tracer: OtelApiTracer,
  span: Span,
  parent: Context,
  tracestate: string | string[] | undefined,
): TraceSpan {
  const context = trace.setSpan(parent, span);
  return {
    get headers() {
      const headers = ['traceparent', toTraceparent(span.spanContext())];
      return typeof tracestate === 'string' ? [...headers, 'tracestate', tracestate] : headers;
    },
    child(name, kind, attributes: SpanAttributes, startedAt, remote) {
      const continued = remote && parseTraceparent(remote.traceparent, remote.tracestate);
      const isOther = continued !== undefined && continued.traceId !== span.spanContext().traceId;
      const options = {
        kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
        attributes,
        ...(startedAt === undefined ? {} : { startTime: toEpochMs(startedAt) }),
      };
      if (!isOther) return toTraceSpan(tracer, tracer.startSpan(name, options, context), context, tracestate);
      const parentContext = trace.setSpanContext(ROOT_CONTEXT, continued);
      const linked = { ...options, links: [{ context: span.spanContext() }] };
      return toTraceSpan(tracer, tracer.startSpan(name, linked, parentContext), parentContext, remote?.tracestate);
    },
    set: (attributes) => void span.setAttributes(attributes),
    fail: (message) => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
    end: (endedAt) => span.end(endedAt === undefined ? undefined : toEpochMs(endedAt)),
  };
}

function toEpochMs(performanceMs: number): number {
  return performance.timeOrigin + performanceMs;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
function toTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`;
}

/** `name=value,name=value`, as OTEL_EXPORTER_OTLP_HEADERS is written everywhere. */
function toHeaders(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs);
}

// What is measured while the gateway runs: Prometheus, timings per layer, traces.
import { Type } from 'typebox';
import { flag } from './setting.ts';

export const telemetrySettings = {
  ENABLE_METRICS: flag('count and time every request, and answer Prometheus on /metrics', false),
  METRICS_AUTH_REQUIRED: flag('ask for a token on /metrics too', true),
  LAYER_TIMINGS_ENABLED: flag(
    'time each layer of each request: histograms on /metrics, and Server-Timing for requests with `X-Server-Timing: 1`',
    false,
  ),
  PERFORMANCE_TRACKING_ENABLED: flag('keep figures per operation in memory: GET /admin/performance', true),
  MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED: flag('count the open sockets in GET /admin/performance', true, {
    live: true,
  }),
  OBSERVABILITY_ENABLED: flag('send traces by OTLP/HTTP; also OTEL_ENABLE_OBSERVABILITY', false),
  OTEL_TRACES_EXPORTER: Type.Enum(['otlp', 'none'], { default: 'otlp', description: 'where traces go' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.String({
    default: 'http://127.0.0.1:4318',
    pattern: '^https?://.+',
    description: 'collector of traces (OTLP over HTTP; `/v1/traces` is added)',
    sourceNote: 'the source’s example names port 4317, which is gRPC’s; here OTLP/HTTP is spoken, usually on 4318',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: Type.String({
    default: '',
    description: 'headers for the collector: `name=value`, separated by commas',
    secret: true,
  }),
  OTEL_SERVICE_NAME: Type.String({
    default: 'mcp-gateway',
    minLength: 1,
    description: 'name of this service in traces',
  }),
  OBSERVABILITY_SAMPLE_RATE: Type.Number({
    default: 1,
    minimum: 0,
    maximum: 1,
    description: 'share of requests that are traced where the client did not decide; also OTEL_TRACES_SAMPLER_ARG',
  }),
};

// Traces, when they are on: OpenTelemetry's packages are loaded only then.
import type { Config } from '../config.ts';
import type { Tracer } from './tracer.ts';

export async function openTracer(
  config: Config,
  log: { warn(detail: object, message: string): void },
): Promise<Tracer | undefined> {
  if (!config.OBSERVABILITY_ENABLED || config.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const { createOtelTracer } = await import('./otel.ts');
  return createOtelTracer(config, log);
}

// Upstreams whose calls are booked on the request that waits for them: as time of the layer `upstream`, and as a span whose
// context the upstream gets. Put around the real ones only while timings or traces are on.
import type { Caller } from '../mcp/ports.ts';
import { currentTrace, type RequestTrace } from '../telemetry/request-trace.ts';
import type { CallRest } from './rest-tool.ts';
import type { RequestOptions, Upstream, UpstreamAnswer } from './upstream.ts';
import type { UpstreamAddress } from './upstreams.ts';

type Of = (address: UpstreamAddress, caller: Caller) => Upstream;

export function traceUpstreams(upstreams: { of: Of }): { of: Of } {
  return {
    of(address, caller) {
      const upstream = upstreams.of(address, caller);
      const { trace } = caller;
      if (trace?.timings === undefined && trace?.span === undefined) return upstream;
      return {
        discover: (signal) => upstream.discover(signal),
        [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
        request: (method, paramsJson, options, target) =>
          traceRequest(trace, method, address, options, (traced) =>
            upstream.request(method, paramsJson, traced, target),
          ),
      };
    },
  };
}

/** The same for HTTP APIs that are tools: their call has no caller, the trace is that of the context. */
export function traceRest(call: CallRest): CallRest {
  return async (rest, args, signal) => {
    const trace = currentTrace.getStore();
    const startedAt = performance.now();
    const span = trace?.span?.child('upstream rest', 'client', {}, startedAt);
    try {
      return await call(rest, args, signal);
    } catch (error) {
      span?.fail(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      const endedAt = performance.now();
      trace?.timings?.waited('upstream', startedAt, endedAt);
      span?.end(endedAt);
    }
  };
}

async function traceRequest(
  trace: RequestTrace,
  method: string,
  address: UpstreamAddress,
  options: RequestOptions | undefined,
  request: (options: RequestOptions) => Promise<UpstreamAnswer>,
): Promise<UpstreamAnswer> {
  const startedAt = performance.now();
  const span = trace.span?.child(
    `upstream ${method}`,
    'client',
    { 'mcp.method.name': method, 'url.full': withoutSecrets(address.url), 'gateway.id': address.id },
    startedAt,
  );
  const upstreamHeaders = span === undefined ? trace.upstreamHeaders : [...trace.upstreamHeaders, ...span.headers];
  try {
    const answer = await request({
      ...(options?.signal === undefined ? {} : { signal: options.signal }),
      ...(options?.headers === undefined ? {} : { headers: options.headers }),
      ...(options?.stated === undefined ? {} : { stated: options.stated }),
      get peer() {
        return options?.peer;
      },
      trace: { upstreamHeaders },
    });
    if (!answer.ok) span?.fail(`JSON-RPC error ${answer.error.code}`);
    return answer;
  } catch (error) {
    span?.fail(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    const endedAt = performance.now();
    trace.timings?.waited('upstream', startedAt, endedAt);
    span?.end(endedAt);
  }
}

/** The query may hold a key, the authority a password. */
function withoutSecrets(text: string): string {
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}

// Upstreams whose calls are booked on the request that waits for them: as time of the layer `upstream`, and as a span whose
// context the upstream gets. Put around the real ones only while timings or traces are on.
import { isObject } from '../mcp/messages.ts';
import { putMeta } from '../mcp/meta-text.ts';
import type { Caller } from '../mcp/ports.ts';
import { shownUrl } from '../shown-url.ts';
import { currentTrace, type RequestTrace } from '../telemetry/request-trace.ts';
import type { TraceContext } from '../telemetry/tracer.ts';
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
          traceRequest(trace, { method, paramsJson, address, options }, (sentJson, traced) =>
            upstream.request(method, sentJson, traced, target),
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

interface Traced {
  method: string;
  paramsJson: string | undefined;
  address: UpstreamAddress;
  options: RequestOptions | undefined;
}

async function traceRequest(
  trace: RequestTrace,
  { method, paramsJson, address, options }: Traced,
  request: (paramsJson: string | undefined, options: RequestOptions) => Promise<UpstreamAnswer>,
): Promise<UpstreamAnswer> {
  const startedAt = performance.now();
  const span = trace.span?.child(
    `upstream ${method}`,
    'client',
    { 'mcp.method.name': method, 'url.full': shownUrl(address.url), 'gateway.id': address.id },
    startedAt,
    contextOf(paramsJson),
  );
  const upstreamHeaders = span === undefined ? trace.upstreamHeaders : [...trace.upstreamHeaders, ...span.headers];
  const sentJson = span === undefined ? paramsJson : withContext(paramsJson, span.headers);
  try {
    const answer = await request(sentJson, {
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

/**
 * The client's own trace, when it says one in the message rather than in HTTP headers.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta
 */
function contextOf(paramsJson: string | undefined): TraceContext | undefined {
  // Most say none: not worth reading them for it.
  if (!paramsJson?.includes('traceparent')) return undefined;
  const params: unknown = JSON.parse(paramsJson);
  const meta = isObject(params) ? params['_meta'] : undefined;
  if (!isObject(meta)) return undefined;
  const { traceparent, tracestate } = meta;
  if (typeof traceparent !== 'string') return undefined;
  return { traceparent, tracestate: typeof tracestate === 'string' ? tracestate : undefined };
}

const keys: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** @param headers of a span: the message says the same, for servers that see no HTTP */
function withContext(paramsJson: string | undefined, headers: readonly string[]): string {
  const members: string[] = [];
  for (let at = 0; at < headers.length; at += 2) members.push(`"${headers[at]}":${JSON.stringify(headers[at + 1])}`);
  return putMeta(paramsJson, { json: members.join(), keys, mark: 'trace' });
}

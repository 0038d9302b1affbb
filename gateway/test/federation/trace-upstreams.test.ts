// The trace that an upstream is told of, in HTTP headers and in the message, and the spans that the collector gets of it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { traceUpstreams } from '../../src/federation/trace-upstreams.ts';
import type { Upstream } from '../../src/federation/upstream.ts';
import type { UpstreamAddress } from '../../src/federation/upstreams.ts';
import { createOtelTracer } from '../../src/telemetry/otel.ts';
import { RequestTrace } from '../../src/telemetry/request-trace.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';

const address: UpstreamAddress = { id: 'a', url: 'http://u/mcp', transport: 'STREAMABLEHTTP', headers: {} };
const ofHeaders = '11111111111111111111111111111111';
const ofMeta = '22222222222222222222222222222222';
const toParent = (traceId: string, flags = '01') => `00-${traceId}-3333333333333333-${flags}`;

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  links?: { traceId: string; spanId: string }[];
}

/** One call whose HTTP request and message say so; what the upstream got, and the spans. */
async function trace(headers: Record<string, string>, paramsJson: string | undefined) {
  const spans: Span[] = [];
  const collector = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    for (const { scopeSpans } of resourceSpans) for (const one of scopeSpans) spans.push(...one.spans);
    response.end('{}');
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const tracer = createOtelTracer(configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }), { warn: () => undefined });
  const sent: { paramsJson: string | undefined; headers: readonly string[] }[] = [];
  const upstream: Upstream = {
    async request(_method, json, options) {
      sent.push({ paramsJson: json, headers: options?.trace?.upstreamHeaders ?? [] });
      return { ok: true, resultJson: '{}' };
    },
    discover: () => Promise.reject(new Error('not asked for in this test')),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const request = new RequestTrace('id-1');
  request.span = tracer.startRequest('POST /mcp', headers);
  const caller = callerOf({ trace: request });
  await traceUpstreams({ of: () => upstream })
    .of(address, caller)
    .request('tools/call', paramsJson, caller);
  request.span.end();
  await tracer[Symbol.asyncDispose]();
  collector.close();
  const [got] = sent;
  const at = got?.headers.indexOf('traceparent') ?? -1;
  const { _meta, ...params } = JSON.parse(got?.paramsJson ?? '{}') as { _meta: Record<string, unknown> };
  return {
    header: got?.headers[at + 1],
    state: got?.headers.includes('tracestate') ? got.headers[got.headers.indexOf('tracestate') + 1] : undefined,
    meta: _meta,
    params,
    own: spans.find(({ name }) => name === 'upstream tools/call'),
    request: spans.find(({ name }) => name === 'POST /mcp'),
  };
}

test('the message says the trace that the headers say, beside what the client wrote', async () => {
  const params = '{"name":"x","arguments":{"traceparent":"mine"},"_meta":{"progressToken":1}}';
  const got = await trace({ traceparent: toParent(ofHeaders), tracestate: 'v=1' }, params);
  expect(got.own).toMatchObject({ traceId: ofHeaders, parentSpanId: got.request?.spanId });
  const traceparent = `00-${ofHeaders}-${got.own?.spanId}-01`;
  expect(got.header).toBe(traceparent);
  expect(got.meta).toEqual({ traceparent, tracestate: 'v=1', progressToken: 1 });
  expect(got.params).toEqual({ name: 'x', arguments: { traceparent: 'mine' } });
});

test('a request without params gets them', async () => {
  const { meta, own } = await trace({}, undefined);
  expect(meta).toEqual({ traceparent: `00-${own?.traceId}-${own?.spanId}-01` });
});

test.each([{}, { traceparent: toParent(ofHeaders) }])(
  'a trace that the message names is continued (headers: %j)',
  async (headers) => {
    const params = JSON.stringify({ _meta: { traceparent: toParent(ofMeta), tracestate: 'w=2', kept: true } });
    const got = await trace(headers, params);
    expect(got.own).toMatchObject({ traceId: ofMeta, parentSpanId: '3333333333333333' });
    expect(got.own?.links).toMatchObject([{ traceId: got.request?.traceId, spanId: got.request?.spanId }]);
    const traceparent = `00-${ofMeta}-${got.own?.spanId}-01`;
    expect(got.meta).toEqual({ traceparent, tracestate: 'w=2', kept: true });
    expect([got.header, got.state]).toEqual([traceparent, 'w=2']);
  },
);

test('one trace in both is one chain: the call stays below the request', async () => {
  const params = JSON.stringify({ _meta: { traceparent: toParent(ofHeaders) } });
  const got = await trace({ traceparent: toParent(ofHeaders) }, params);
  expect(got.own).toMatchObject({ traceId: ofHeaders, parentSpanId: got.request?.spanId });
});

test.each(['nonsense', 7, toParent('0'.repeat(32)), `00-${ofMeta}`])(
  'what is no trace context is none: %j',
  async (traceparent) => {
    const got = await trace({ traceparent: toParent(ofHeaders) }, JSON.stringify({ _meta: { traceparent } }));
    expect(got.meta['traceparent']).toBe(`00-${ofHeaders}-${got.own?.spanId}-01`);
  },
);

test('a trace that its client does not sample is passed on, and not recorded', async () => {
  const params = JSON.stringify({ _meta: { traceparent: toParent(ofMeta, '00') } });
  const got = await trace({ traceparent: toParent(ofHeaders) }, params);
  expect(got.own).toBeUndefined();
  expect(got.meta['traceparent']).toMatch(new RegExp(`^00-${ofMeta}-[0-9a-f]{16}-00$`));
});

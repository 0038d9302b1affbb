// An upstream in memory: what it offers can be changed, and it can be made to fail.
import { GatewayError } from '../../src/errors.ts';
import type { Upstream, UpstreamCatalog } from '../../src/federation/upstream.ts';
import type { CancelSignal } from '../../src/mcp/ports.ts';
import type { CatalogGateway } from '../../src/registry/catalog.ts';

export interface StubUpstreams {
  connect: (gateway: CatalogGateway) => Upstream;
  /** By URL; a URL that is not here cannot be reached. */
  offers: Map<string, Partial<UpstreamCatalog>>;
  /** Every gateway that was asked, as it was asked. */
  asked: CatalogGateway[];
  /** Awaited before each answer: for upstreams that are slow. */
  before: (signal: CancelSignal | undefined) => Promise<void>;
  /** Connections that were opened and not yet disposed of. */
  open: number;
}

export function createStubUpstreams(): StubUpstreams {
  const stub: StubUpstreams = { connect, offers: new Map(), asked: [], before: async () => undefined, open: 0 };
  function connect(gateway: CatalogGateway): Upstream {
    stub.asked.push(gateway);
    stub.open += 1;
    return {
      async request() {
        return { ok: true, resultJson: '{}' };
      },
      async discover(signal) {
        await stub.before(signal);
        const offer = stub.offers.get(gateway.url);
        if (offer === undefined) throw new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: gateway.url });
        return { ...nothing, ...offer };
      },
      async [Symbol.asyncDispose]() {
        stub.open -= 1;
      },
    };
  }
  return stub;
}

const nothing: UpstreamCatalog = {
  serverInfo: { name: 'stub', version: '1' },
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  tools: [],
  resources: [],
  resourceTemplates: [],
  prompts: [],
};

/** What the fast time server offers, in small. */
export const fastTime: Partial<UpstreamCatalog> = {
  tools: [
    { name: 'get_system_time', description: 'The time', inputSchema: { type: 'object' } },
    { name: 'convert_time', description: 'Converts', inputSchema: { type: 'object', required: ['time'] } },
  ],
  resources: [{ uri: 'time://zones', name: 'zones', mimeType: 'application/json' }],
  resourceTemplates: [{ uriTemplate: 'time://now/{zone}', name: 'now' }],
  prompts: [{ name: 'compare_zones', description: 'Compares', arguments: [{ name: 'a', required: true }] }],
};

/** `count` tools, named `tool_000` and so on. */
export function manyTools(count: number): Partial<UpstreamCatalog> {
  return {
    tools: Array.from({ length: count }, (_, index) => ({
      name: `tool_${String(index).padStart(3, '0')}`,
      inputSchema: { type: 'object' },
    })),
  };
}

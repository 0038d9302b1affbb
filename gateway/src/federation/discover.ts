// Everything that an upstream offers, all pages of all lists that it has the capability for.
import { GatewayError } from '../errors.ts';
import { isObject } from '../mcp/messages.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import { rpcCodes } from '../mcp/rpc-error.ts';
import { hasValidParamHeaders } from '../mcp/stateless/param-headers.ts';
import { statelessVersion } from '../mcp/versions.ts';
import type { Upstream, UpstreamCatalog } from './upstream.ts';
import type { UpstreamSession } from './upstream-session.ts';

/** An upstream whose cursors never end must not hold us for ever. */
const MAX_PAGES = 1_000;

/** @throws GW_UPSTREAM_INVALID for a list that is none, or one that does not end */
export async function discover(
  session: Pick<UpstreamSession, 'serverInfo' | 'protocolVersion' | 'capabilities'>,
  upstream: Pick<Upstream, 'request'>,
  url: string,
  signal: CancelSignal | undefined,
): Promise<UpstreamCatalog> {
  const { serverInfo, protocolVersion, capabilities } = session;
  const listAll = (capability: string, method: string, member: string) =>
    isObject(capabilities[capability]) ? listPages(upstream, url, method, member, signal) : Promise.resolve([]);
  const [tools, resources, resourceTemplates, prompts] = await Promise.all([
    listAll('tools', 'tools/list', 'tools'),
    listAll('resources', 'resources/list', 'resources'),
    listAll('resources', 'resources/templates/list', 'resourceTemplates'),
    listAll('prompts', 'prompts/list', 'prompts'),
  ]);
  // Only this revision tells arguments in headers, and wants tools left out that say wrongly which.
  const callable = protocolVersion === statelessVersion ? tools.filter(hasValidParamHeaders) : tools;
  return { serverInfo, protocolVersion, capabilities, tools: callable, resources, resourceTemplates, prompts };
}

async function listPages(
  upstream: Pick<Upstream, 'request'>,
  url: string,
  method: string,
  member: string,
  signal: CancelSignal | undefined,
): Promise<Record<string, unknown>[]> {
  const entries: Record<string, unknown>[] = [];
  let cursor: string | undefined;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const answer = await upstream.request(
      method,
      cursor === undefined ? '{}' : JSON.stringify({ cursor }),
      signal && { signal },
    );
    if (!answer.ok) {
      // A capability covers several lists; a server need not have each.
      if (answer.error.code === rpcCodes.methodNotFound) return entries;
      throw invalid(url, `it refused ${method}: ${answer.error.code} ${answer.error.message}`);
    }
    const result: unknown = JSON.parse(answer.resultJson);
    const list = isObject(result) ? result[member] : undefined;
    if (!isObject(result) || !Array.isArray(list) || !list.every(isObject)) {
      throw invalid(url, `the result of ${method} must hold ${member}, a list of objects`);
    }
    entries.push(...list);
    if (typeof result['nextCursor'] !== 'string') return entries;
    cursor = result['nextCursor'];
  }
  throw invalid(url, `${method} does not end after ${MAX_PAGES} pages`);
}

function invalid(url: string, detail: string): GatewayError {
  return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${url}: ${detail}` });
}

// A request of the stateless revision in, its answer and HTTP status out. The methods are those of the older versions, but
// for what the revision took out (initialize, ping, logging/setLevel, resources/subscribe) and what it says of results.
import { toJsonRpcError } from '../../errors.ts';
import { type RpcRequest, toErrorText, toResultText } from '../messages.ts';
import { methods } from '../methods/index.ts';
import type { Method } from '../methods/method.ts';
import { serverDiscover } from '../methods/server-discover.ts';
import type { Caller, ListKind, McpPorts } from '../ports.ts';
import { RpcError, type RpcErrorBody, rpcCodes } from '../rpc-error.ts';
import { withoutEnvelope } from './envelope.ts';
import { checkParamHeaders, type ParamHeader } from './param-headers.ts';
import { type CacheHint, completeResult } from './result-text.ts';

export interface StatelessPorts extends McpPorts {
  /** How long a client may keep a page of this list, in milliseconds. */
  listTtlMs(kind: ListKind): number;
  /** Arguments that this tool wants told in headers too. On the request path. */
  paramHeaders(name: string, caller: Pick<Caller, 'serverId' | 'identity'>): ParamHeader[] | Promise<ParamHeader[]>;
}

export interface StatelessAnswer {
  status: number;
  text: string;
}

/** What may be kept of a method's result: https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching */
type Keep = ListKind | 'description' | 'content' | 'nothing';

const keeps: ReadonlyMap<string, Keep> = new Map<string, Keep>([
  ['server/discover', 'description'],
  ['tools/list', 'tools'],
  ['tools/call', 'nothing'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
  ['resources/read', 'content'],
  ['prompts/list', 'prompts'],
  ['prompts/get', 'nothing'],
  ['completion/complete', 'nothing'],
]);

const DESCRIPTION_TTL_MS = 3_600_000;
/** An upstream of an older version does not say how long its content holds. */
const contentHint: CacheHint = { ttlMs: 0, scope: 'private' };
const descriptionHint: CacheHint = { ttlMs: DESCRIPTION_TTL_MS, scope: 'public' };

/** Never rejects: every failure becomes a JSON-RPC error and is told to `ports.failed`. No promise when the answer is in memory. */
export function dispatchStateless(
  request: RpcRequest,
  ports: StatelessPorts,
  caller: Caller,
): StatelessAnswer | Promise<StatelessAnswer> {
  const { idJson, method } = request;
  try {
    const keep = keeps.get(method);
    const handler = method === 'server/discover' ? serverDiscover : methods.get(method);
    if (keep === undefined || handler === undefined) {
      throw new RpcError(rpcCodes.methodNotFound, `Method not found: ${method}`);
    }
    const hint = toHint(keep, ports);
    const result =
      method === 'tools/call' ? callTool(request, ports, caller, handler) : run(request, ports, caller, handler);
    if (typeof result === 'string') return succeed(idJson, result, hint);
    return result.then(
      (resultJson) => succeed(idJson, resultJson, hint),
      (error: unknown) => refuseStateless(error, idJson, method, ports),
    );
  } catch (error) {
    return refuseStateless(error, idJson, method, ports);
  }
}

/** The answer that a failure is. */
export function refuseStateless(
  error: unknown,
  idJson: string,
  method: string,
  ports: Pick<McpPorts, 'failed'>,
): StatelessAnswer {
  ports.failed(method, error);
  const body = toBody(error);
  return { status: toStatus(body.code), text: toErrorText(idJson, body) };
}

/** https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header */
function toStatus(code: number): number {
  switch (code) {
    case rpcCodes.methodNotFound:
      return 404;
    case rpcCodes.invalidRequest:
    case rpcCodes.invalidParams:
    case rpcCodes.headerMismatch:
    case rpcCodes.missingClientCapability:
    case rpcCodes.unsupportedVersion:
      return 400;
    default:
      return 200;
  }
}

function run(request: RpcRequest, ports: StatelessPorts, caller: Caller, handler: Method): string | Promise<string> {
  return handler(withoutEnvelope(request), ports, caller);
}

function callTool(
  request: RpcRequest,
  ports: StatelessPorts,
  caller: Caller,
  handler: Method,
): string | Promise<string> {
  const name = request.params?.['name'];
  const wanted = typeof name === 'string' ? ports.paramHeaders(name, caller) : [];
  const args = request.params?.['arguments'];
  if (!(wanted instanceof Promise)) {
    checkParamHeaders(wanted, args, caller.headers);
    return run(request, ports, caller, handler);
  }
  return wanted.then((loaded) => {
    checkParamHeaders(loaded, args, caller.headers);
    return run(request, ports, caller, handler);
  });
}

function succeed(idJson: string, resultJson: string, hint: CacheHint | undefined): StatelessAnswer {
  return { status: 200, text: toResultText(idJson, completeResult(resultJson, hint)) };
}

function toHint(keep: Keep, ports: StatelessPorts): CacheHint | undefined {
  if (keep === 'nothing') return undefined;
  if (keep === 'description') return descriptionHint;
  return keep === 'content' ? contentHint : { ttlMs: ports.listTtlMs(keep), scope: 'private' };
}

function toBody(error: unknown): RpcErrorBody {
  if (!(error instanceof RpcError)) return toJsonRpcError(error);
  const body = error.toBody();
  // The revision renamed it, and forbids the old number; upstreams of older versions still say it.
  return body.code === rpcCodes.resourceNotFound ? { ...body, code: rpcCodes.invalidParams } : body;
}

// Calls an HTTP API as a tool: arguments are checked, put into the URL and the query or the body, and the answer becomes the
// tool's result. What the API refuses is an error of the tool (`isError`), which the model may read, not one of the protocol.
import { Agent } from 'undici';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type CheckArguments, compileSchema } from '../mcp/input-schema.ts';
import { isObject } from '../mcp/messages.ts';
import type { CancelSignal, ForwardedAnswer } from '../mcp/ports.ts';
import { createAddressGuard } from '../ssrf.ts';
import { LiveDispatcher } from './live-dispatcher.ts';
import type { OutboundConfig } from './outbound.ts';

/** `registry/catalog.ts` has what each part means. */
export interface RestTool {
  url: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers: Record<string, string>;
  inputSchema: Record<string, unknown>;
}

/** @throws GW_UPSTREAM_UNREACHABLE, GW_UPSTREAM_TIMEOUT, GW_UPSTREAM_INVALID (too large), GW_ADDRESS_REFUSED; the signal's reason */
export type CallRest = (tool: RestTool, args: unknown, signal: CancelSignal) => Promise<ForwardedAnswer>;

type RestConfig = OutboundConfig & Pick<Config, 'TOOL_TIMEOUT'>;

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface RestCalls extends AsyncDisposable {
  call: CallRest;
}

/** @param observe told of every call: `ok`, `tool-error` or the code of the failure */
export function createRestCalls(
  config: RestConfig,
  observe: (outcome: string, seconds: number) => void = () => undefined,
): RestCalls {
  const guard = createAddressGuard(config);
  const toAgent = () =>
    new Agent({
      connections: config.HTTPX_MAX_CONNECTIONS,
      keepAliveTimeout: config.HTTPX_KEEPALIVE_EXPIRY * 1000,
      connect: { timeout: config.HTTPX_CONNECT_TIMEOUT * 1000, lookup: guard.lookup },
      // The one deadline is the signal's.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  const agents = new LiveDispatcher(config, toAgent);
  /** One per tool object: a changed tool is another object. */
  const checks = new WeakMap<RestTool, CheckArguments>();

  function check(tool: RestTool, args: unknown): string[] {
    let compiled = checks.get(tool);
    if (compiled === undefined) {
      compiled = compileSchema(tool.inputSchema);
      checks.set(tool, compiled);
    }
    return compiled(args);
  }

  async function send(tool: RestTool, args: Record<string, unknown>, signal: CancelSignal): Promise<ForwardedAnswer> {
    const { url, body } = toRequest(tool, args);
    guard.checkLiteral(url);
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    const timeoutMs = config.TOOL_TIMEOUT * 1000;
    const late = new GatewayError('GW_UPSTREAM_TIMEOUT', {
      detail: `${url.origin} gave no whole answer in ${Math.round(timeoutMs)} ms`,
    });
    const timer = setTimeout(() => abort.abort(late), timeoutMs);
    try {
      if (signal.aborted) throw signal.reason;
      const answer = await agents.current.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: tool.method,
        headers: { accept: 'application/json, */*', ...(body === undefined ? {} : jsonBody), ...tool.headers },
        ...(body === undefined ? {} : { body }),
        signal: abort.signal,
      });
      return toAnswer(answer.statusCode, await readText(answer.body, url));
    } catch (error) {
      if (abort.signal.aborted) throw abort.signal.reason;
      throw toGatewayError(error, url);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    async call(tool, args = {}, signal) {
      const startedAt = performance.now();
      const tell = (outcome: string) => observe(outcome, (performance.now() - startedAt) / 1000);
      const faults = check(tool, args);
      if (faults.length > 0 || !isObject(args)) {
        tell('tool-error');
        return toResult(`The arguments do not fit the tool's schema: ${faults.join('; ')}`, true);
      }
      const path = tool.url.replace(/[?#].*$/s, '');
      if (dotSegments(fill(path, args)) > dotSegments(path)) {
        tell('tool-error');
        return toResult('The arguments do not fit the tool: . and .. cannot stand in the path of its URL.', true);
      }
      try {
        const answer = await send(tool, args, signal);
        tell('ok');
        return answer;
      } catch (error) {
        tell(error instanceof GatewayError ? error.code : 'aborted');
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => agents.destroy(),
  };
}

const jsonBody = { 'content-type': 'application/json' };

/** Arguments that the URL names go there; the others are the query of GET and DELETE, or else the JSON body. */
function toRequest(tool: RestTool, args: Record<string, unknown>): { url: URL; body: string | undefined } {
  const rest = new Map(Object.entries(args));
  const url = new URL(fill(tool.url, args, (name) => rest.delete(name)));
  if (tool.method !== 'GET' && tool.method !== 'DELETE') {
    return { url, body: JSON.stringify(Object.fromEntries(rest)) };
  }
  for (const [name, value] of rest) {
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, toText(one));
  }
  return { url, body: undefined };
}

function fill(template: string, args: Record<string, unknown>, used?: (name: string) => void): string {
  return template.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    used?.(name);
    return value === undefined ? '' : encodeURIComponent(toText(value));
  });
}

/**
 * URLs take `.` and `..` away, however they are written, and with `..` what stands before: another address of the API would be
 * called with the stored credentials. Slashes of arguments are encoded, so only a whole segment can be one.
 */
function dotSegments(path: string): number {
  return path.split(/[/\\]/).filter((segment) => /^(?:\.|%2e){1,2}$/i.test(segment)).length;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function readText(body: AsyncIterable<Buffer>, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new GatewayError('GW_UPSTREAM_INVALID', {
        detail: `${url.origin}: answer exceeds ${MAX_ANSWER_BYTES} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A redirect is an error too: following it would lead to an address that nobody registered. */
function toAnswer(status: number, text: string): ForwardedAnswer {
  if (status >= 200 && status < 300) return toResult(text, false);
  return toResult(text === '' ? `HTTP ${status}` : `HTTP ${status}: ${text}`, true);
}

/** A JSON object is given as structured content too (server/tools, 2025-06-18). */
function toResult(text: string, isError: boolean): ForwardedAnswer {
  const content = [{ type: 'text', text }];
  const structuredContent = isError ? undefined : toObject(text);
  return { ok: true, resultJson: JSON.stringify({ content, structuredContent, isError }) };
}

function toObject(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // text that only begins like JSON: it stands as text
  }
}

function toGatewayError(error: unknown, url: URL): unknown {
  if (error instanceof GatewayError) return error;
  if (error instanceof Error && error.cause instanceof GatewayError) return error.cause;
  const reason = error instanceof Error ? error.message : String(error);
  return new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: `${url.origin}: ${reason}`, cause: error });
}

// JSON-RPC 2.0 messages as MCP restricts them: https://modelcontextprotocol.io/specification/2025-11-25/basic#messages
import { elementTexts, memberText } from './json-text.ts';
import type { ForwardedAnswer } from './ports.ts';
import { RpcError, type RpcErrorBody, rpcCodes } from './rpc-error.ts';

/** A request, or a notification (`idJson` undefined). The texts are the client's own, not serialised again. */
export interface RpcMessage {
  idJson: string | undefined;
  method: string;
  params: Record<string, unknown> | undefined;
  paramsJson: string | undefined;
}

/** A message that wants an answer. */
export type RpcRequest = RpcMessage & { idJson: string };

export function isRequest(message: RpcMessage): message is RpcRequest {
  return message.idJson !== undefined;
}

/** The client's answer to something we asked: it has no method and gets no answer. */
export interface RpcResponse {
  /** The id of what it answers, as JSON text. */
  answersId: string;
  answer: ForwardedAnswer;
}
/** Something that is not a JSON-RPC message. `idJson` is `null` when the id could not be read (JSON-RPC 2.0 §5). */
export interface RpcFault {
  idJson: string;
  error: RpcErrorBody;
}
export type Incoming = RpcMessage | RpcResponse | RpcFault;

/** Bounds what one request can start. */
export const MAX_BATCH = 100;

/** @throws RpcError -32700 when the text is not JSON */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RpcError(rpcCodes.parseError, `Parse error: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Reads one message; `text` is what `value` was parsed from. */
export function readMessage(value: unknown, text: string): Incoming {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return toFault('null', `a message must be an object, got ${Array.isArray(value) ? 'an array' : String(value)}`);
  }
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  const idJson = readId(id, text);
  if (jsonrpc !== '2.0') return toFault(idJson ?? 'null', `jsonrpc must be "2.0", got ${JSON.stringify(jsonrpc)}`);
  if (method === undefined && id !== undefined && ('result' in value || 'error' in value)) {
    return { answersId: idJson ?? 'null', answer: readAnswer(value, text) };
  }
  if (typeof method !== 'string') return toFault(idJson ?? 'null', 'method must be a string');
  if (id !== undefined && idJson === undefined) {
    return toFault('null', `id must be a string or a number, got ${JSON.stringify(id)}`);
  }
  if (params === undefined) return { idJson, method, params: undefined, paramsJson: undefined };
  if (!isObject(params)) {
    return { idJson: idJson ?? 'null', error: { code: rpcCodes.invalidParams, message: 'params must be an object' } };
  }
  return { idJson, method, params, paramsJson: memberText(text, 'params', params) };
}

/** @throws RpcError -32600 for an empty batch (JSON-RPC 2.0 §6) or one that is too large */
export function readBatch(values: unknown[], text: string): Incoming[] {
  if (values.length === 0) throw new RpcError(rpcCodes.invalidRequest, 'Invalid Request: a batch must not be empty');
  if (values.length > MAX_BATCH) {
    throw new RpcError(
      rpcCodes.invalidRequest,
      `Invalid Request: a batch has at most ${MAX_BATCH} messages, got ${values.length}`,
    );
  }
  return elementTexts(text).map((element, index) => readMessage(values[index], element));
}

/** A success answer; `resultJson` goes in as it stands. */
export function toResultText(idJson: string, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${idJson},"result":${resultJson}}`;
}

/** An error answer. */
export function toErrorText(idJson: string, error: RpcErrorBody): string {
  return `{"jsonrpc":"2.0","id":${idJson},"error":${JSON.stringify(error)}}`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A client's answer as it goes on to the upstream that asked; one that is neither result nor error is an error. */
function readAnswer(value: object, text: string): ForwardedAnswer {
  const { result, error } = value as Record<string, unknown>;
  if (isObject(result) && error === undefined) return { ok: true, resultJson: memberText(text, 'result', result) };
  if (isObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string') {
    const { code, message, data } = error;
    return { ok: false, error: data === undefined ? { code, message } : { code, message, data } };
  }
  return { ok: false, error: { code: rpcCodes.internalError, message: 'the client gave an answer that is not valid' } };
}

function readId(id: unknown, text: string): string | undefined {
  if (typeof id === 'string') return JSON.stringify(id);
  if (typeof id !== 'number') return undefined;
  // Beyond 2^53 the parsed number is no longer the client's id: answer with its own text.
  return Number.isSafeInteger(id) ? `${id}` : memberText(text, 'id', id);
}

function toFault(idJson: string, message: string): RpcFault {
  return { idJson, error: { code: rpcCodes.invalidRequest, message: `Invalid Request: ${message}` } };
}

// From the text of a JSON-RPC body to the text of its answer: what /rpc and Streamable HTTP have in common.
import { dispatch } from '../mcp/dispatch.ts';
import { type Incoming, isRequest, parseBody, type RpcMessage, readBatch, toErrorText } from '../mcp/messages.ts';
import type { McpPorts } from '../mcp/ports.ts';
import { RpcError, type RpcErrorBody, rpcCodes } from '../mcp/rpc-error.ts';
import { type Origin, RequestCaller } from './caller.ts';
import type { ClientSession } from './client-session.ts';
import type { Answering } from './exchange-ports.ts';
import { sendJson } from './json-body.ts';

/** Where messages came in, what holds there, and the way back. */
export interface Entrance extends Origin {
  readonly ports: McpPorts;
  /** A bare tool name as method calls that tool. */
  readonly allowToolNames: boolean;
  readonly session: ClientSession | undefined;
}

/** An answer that is an error before anything was dispatched. */
export interface Refusal {
  status: number;
  text: string;
}

/** JSON, or the refusal of what is none. */
export function parseText(text: unknown): { value: unknown; text: string } | Refusal {
  const body = typeof text === 'string' ? text : '';
  try {
    return { value: parseBody(body), text: body };
  } catch (error) {
    return toRefusal('null', toRpcError(error));
  }
}

/** HTTP 400 says that the message was not accepted; faults within a method are the method's answer, with 200. */
export function toRefusal(idJson: string, error: RpcErrorBody): Refusal {
  return { status: error.code === rpcCodes.invalidParams ? 200 : 400, text: toErrorText(idJson, error) };
}

/** JSON-RPC 2.0 §4.1: a notification gets no answer; Streamable HTTP says 202 to it. */
export function sendResult(reply: Answering, result: Refusal | string | undefined): undefined {
  if (result === undefined) reply.code(202).send();
  else if (typeof result === 'string') sendJson(reply, 200, result);
  else sendJson(reply, result.status, result.text);
}

/** Answers one message; undefined for a notification or a response, which get none. */
export function answerMessage(incoming: Incoming, entrance: Entrance): string | undefined | Promise<string> {
  if ('answersId' in incoming) {
    entrance.session?.takeResponse(incoming);
    return undefined;
  }
  if ('error' in incoming) return toErrorText(incoming.idJson, incoming.error);
  if (!isRequest(incoming)) {
    takeNotification(incoming, entrance);
    return undefined;
  }
  const { ports, allowToolNames } = entrance;
  return dispatch(incoming, ports, new RequestCaller(incoming.idJson, entrance), allowToolNames);
}

/** Answers a batch, its requests side by side; undefined when nothing in it gets an answer. */
export async function answerBatch(
  values: unknown[],
  text: string,
  entrance: Entrance,
): Promise<Refusal | string | undefined> {
  let batch: Incoming[];
  try {
    batch = readBatch(values, text);
  } catch (error) {
    return toRefusal('null', toRpcError(error));
  }
  const answers = await Promise.all(batch.map((incoming) => answerMessage(refuseInitialize(incoming), entrance)));
  const texts = answers.filter((answer) => answer !== undefined);
  return texts.length === 0 ? undefined : `[${texts.join(',')}]`;
}

/** `initialize` must not be part of a batch (lifecycle, 2025-03-26): its session would have no header to be told in. */
function refuseInitialize(incoming: Incoming): Incoming {
  if ('answersId' in incoming || 'error' in incoming || incoming.method !== 'initialize') return incoming;
  const message = 'Invalid Request: initialize must not be part of a batch';
  return { idJson: incoming.idJson ?? 'null', error: { code: rpcCodes.invalidRequest, message } };
}

/** https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/cancellation: unknown ids are ignored. */
function takeNotification(message: RpcMessage, entrance: Entrance): void {
  if (message.method === 'notifications/roots/list_changed') {
    const { session, ports } = entrance;
    if (session !== undefined) void ports.broadcast(session, message.method, message.paramsJson);
    return;
  }
  if (message.method !== 'notifications/cancelled') return;
  const requestId = message.params?.['requestId'];
  entrance.cancellable?.get(JSON.stringify(requestId))?.abort('by its client');
}

function toRpcError(error: unknown): RpcErrorBody {
  if (error instanceof RpcError) return error.toBody();
  throw error;
}

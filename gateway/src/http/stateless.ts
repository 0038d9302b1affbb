// One POST of the stateless revision: on the paths of the older versions, told apart by what the request says of itself.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
import { anonymous } from '../auth/index.ts';
import { type Incoming, isRequest, toErrorText } from '../mcp/messages.ts';
import type { RpcErrorBody } from '../mcp/rpc-error.ts';
import { rpcCodes } from '../mcp/rpc-error.ts';
import {
  dispatchStateless,
  refuseStateless,
  type StatelessAnswer,
  type StatelessPorts,
} from '../mcp/stateless/dispatch.ts';
import { type Envelope, readEnvelope } from '../mcp/stateless/envelope.ts';
import type { Accepted } from './accept.ts';
import type { Answering, Asked } from './exchange-ports.ts';
import { sendJson } from './json-body.ts';
import type { Listeners } from './listen.ts';
import type { SseStreamOptions } from './sse-stream.ts';
import { StatelessCaller } from './stateless-caller.ts';
import { AnswerChannel } from './stateless-channel.ts';

export interface StatelessOptions {
  ports: StatelessPorts;
  listeners: Listeners;
  config: SseStreamOptions['config'];
}

export type AnswerStateless = (incoming: Incoming, request: Asked, reply: Answering, accepted: Accepted) => undefined;

export function createAnswerStateless({ ports, listeners, config }: StatelessOptions): AnswerStateless {
  return function answerStateless(incoming, request, reply, accepted) {
    // The client answers what it was asked with its next request (MRTR), never with a response of its own.
    if ('answersId' in incoming)
      return refuse(reply, 'null', 'a response is not taken: repeat the request with inputResponses');
    if ('error' in incoming) return sendJson(reply, 400, toErrorText(incoming.idJson, incoming.error));
    if (!isRequest(incoming)) {
      reply.code(202).send();
      return;
    }
    const { idJson, method } = incoming;
    let envelope: Envelope;
    try {
      envelope = readEnvelope(incoming, request.headers);
    } catch (error) {
      const { status, text } = refuseStateless(error, idJson, method, ports);
      return sendJson(reply, status, text);
    }
    const serverId = toServerId(request);
    const identity = request.identity ?? anonymous;
    if (method === 'subscriptions/listen') {
      try {
        listeners.open(incoming, { serverId, identity }, reply);
      } catch (error) {
        const { status, text } = refuseStateless(error, idJson, method, ports);
        sendJson(reply, status, text);
      }
      return;
    }
    const channel = new AnswerChannel(reply, accepted, envelope, config);
    const caller = new StatelessCaller(
      idJson,
      {
        socket: request.raw.socket,
        serverId,
        identity,
        headers: request.headers,
        session: undefined,
        peer: undefined,
        cancellable: undefined,
        isResumable: false,
        trace: request.trace,
      },
      channel,
      envelope,
    );
    const answer = dispatchStateless(incoming, ports, caller);
    if (!(answer instanceof Promise)) return channel.finish(answer);
    channel.wait();
    answer.then((answered: StatelessAnswer) => {
      caller.end();
      channel.finish(answered);
    });
  };
}

function refuse(reply: Answering, idJson: string, message: string): undefined {
  const error: RpcErrorBody = { code: rpcCodes.invalidRequest, message: `Invalid Request: ${message}` };
  return sendJson(reply, 400, toErrorText(idJson, error));
}

function toServerId(request: Asked): string | undefined {
  return (request.params as { id?: string }).id;
}

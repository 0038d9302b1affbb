// JSON-RPC 2.0 without MCP's transport around it: POST /rpc and POST /. A bare tool name as method calls that tool.
import type { FastifyPluginCallback } from 'fastify';
import { anonymous } from '../auth/index.ts';
import { readMessage } from '../mcp/messages.ts';
import type { McpPorts } from '../mcp/ports.ts';
import { isStateless } from '../mcp/stateless/envelope.ts';
import { readAccept } from './accept.ts';
import { answerBatch, answerMessage, type Entrance, parseText, sendResult, toRefusal } from './answer-text.ts';
import { answerErrorsAsJsonRpc } from './error-handler.ts';
import type { Answering, Asked } from './exchange-ports.ts';
import type { FastDoor } from './fast-door.ts';
import { takeJsonAsText } from './json-body.ts';
import type { AnswerStateless } from './stateless.ts';

export interface RpcOptions {
  ports: McpPorts;
  answerStateless: AnswerStateless;
  /** Takes /rpc too. */
  fastDoor?: Pick<FastDoor, 'serve'> | undefined;
}

export const rpcRoutes: FastifyPluginCallback<RpcOptions> = (app, { ports, answerStateless, fastDoor }, done) => {
  takeJsonAsText(app);
  answerErrorsAsJsonRpc(app, ports.failed);

  function answer(request: Asked, reply: Answering): undefined {
    const body = parseText(request.body);
    if ('status' in body) return sendResult(reply, body);
    const { value, text } = body;
    const entrance: Entrance = {
      ports,
      socket: request.raw.socket,
      serverId: undefined,
      identity: request.identity ?? anonymous,
      headers: request.headers,
      trace: request.trace,
      allowToolNames: true,
      session: undefined,
      peer: undefined,
      cancellable: undefined,
      isResumable: false,
    };
    if (Array.isArray(value)) {
      answerBatch(value, text, entrance).then(
        (result) => sendResult(reply, result),
        (error) => reply.send(error),
      );
      return;
    }
    const incoming = readMessage(value, text);
    const single = 'method' in incoming ? incoming : undefined;
    if (isStateless(request.headers, single)) {
      return answerStateless(incoming, request, reply, readAccept(request.headers.accept));
    }
    if (typeof incoming === 'object' && 'error' in incoming) {
      return sendResult(reply, toRefusal(incoming.idJson, incoming.error));
    }
    const result = answerMessage(incoming, entrance);
    if (result instanceof Promise)
      result.then(
        (answered) => sendResult(reply, answered),
        (error) => reply.send(error),
      );
    else sendResult(reply, result);
  }

  app.post('/rpc', answer);
  fastDoor?.serve('/rpc', answer);
  app.post('/', answer);
  done();
};

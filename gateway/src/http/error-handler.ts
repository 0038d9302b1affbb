// Turns every failure into one shape of answer: our code, what failed, what to try; nothing of the inside. The doors that
// speak JSON-RPC have that protocol's shape of it. Every failure that is answered here is told to `failed`, once.
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { type ErrorCode, errors, GatewayError, toJsonRpcError } from '../errors.ts';
import { toErrorText } from '../mcp/messages.ts';
import type { McpPorts } from '../mcp/ports.ts';
import type { Answering, Asked } from './exchange-ports.ts';
import { sendJson } from './json-body.ts';

/** ContextForge's clients read `detail`; `faults` names each property that is wrong. */
export interface ErrorAnswer {
  code: ErrorCode;
  message: string;
  detail: string;
  hint: string;
  faults?: { path: string; message: string }[];
}

type Failed = McpPorts['failed'];
type Send<Reply> = (reply: Reply, status: number, error: GatewayError) => void;

export function registerErrorHandler(app: FastifyInstance, failed: Failed): void {
  const answerError = createAnswerError(failed, sendRest);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(function answerUnknownPath(request, reply) {
    const path = request.url.split('?', 1)[0] ?? '';
    const detail = `nothing is served at ${request.method} ${path.slice(0, 200)}`;
    return answerError(new GatewayError('GW_NOT_FOUND', { detail }), request, reply);
  });
}

/** For a plugin of JSON-RPC routes. The id is null: what is refused here is the HTTP request, not a message in it. */
export function answerErrorsAsJsonRpc(app: FastifyInstance, failed: Failed): void {
  app.setErrorHandler(createAnswerErrorAsJsonRpc(failed));
}

export function createAnswerErrorAsJsonRpc(failed: Failed) {
  return createAnswerError<Answering>(failed, sendJsonRpc);
}

function createAnswerError<Reply extends Answering>(failed: Failed, send: Send<Reply>) {
  return function answerError(error: unknown, request: Asked, reply: Reply): Reply {
    const known = toKnown(error);
    failed(`${request.method} ${request.routeOptions.url ?? 'unknown'}`, known?.error ?? error, request.id);
    if (known !== undefined) send(reply, known.status, known.error);
    else send(reply, 500, new GatewayError('GW_INTERNAL', { detail: `request ${request.id}`, cause: error }));
    return reply;
  };
}

/** Ours, and what Fastify itself refuses (a body that is no JSON, too large, of an unknown type). */
function toKnown(error: unknown): { status: number; error: GatewayError } | undefined {
  if (error instanceof GatewayError) return { status: error.status, error };
  if (!isFastifyError(error)) return undefined;
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500) return undefined;
  const code = status === 413 ? 'GW_BODY_TOO_LARGE' : 'GW_INVALID_REQUEST';
  return { status, error: new GatewayError(code, { detail: error.message, cause: error }) };
}

function sendRest(reply: FastifyReply, status: number, error: GatewayError): void {
  const { code, detail, hint, faults } = error;
  const answer: ErrorAnswer = { code, message: errors[code].message, detail, hint };
  if (faults.length > 0) answer.faults = faults.map(({ path, message }) => ({ path, message }));
  reply.code(status).send(answer);
}

function sendJsonRpc(reply: Answering, status: number, error: GatewayError): void {
  sendJson(reply, status, toErrorText('null', toJsonRpcError(error)));
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

// Turns every failure into one shape of answer: our code, what failed, what to try; nothing of the inside.
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errors, GatewayError } from '../errors.ts';

/** ContextForge's clients read `detail`; `faults` names each property that is wrong. */
export interface ErrorAnswer {
  code: ErrorCode;
  message: string;
  detail: string;
  hint: string;
  faults?: { path: string; message: string }[];
}

export function registerErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerUnknownPath);
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = toKnown(error);
  if (known !== undefined) return reply.code(known.status).send(known.answer);
  request.log.error({ err: error }, 'a request failed');
  const detail = `request ${request.id}`;
  return reply.code(500).send(toAnswer('GW_INTERNAL', detail));
}

function answerUnknownPath(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  return reply.code(404).send(toAnswer('GW_NOT_FOUND', `nothing is served at ${request.method} ${path.slice(0, 200)}`));
}

/** Ours, and what Fastify itself refuses (a body that is no JSON, too large, of an unknown type). */
function toKnown(error: unknown): { status: number; answer: ErrorAnswer } | undefined {
  if (error instanceof GatewayError) {
    const answer = toAnswer(error.code, error.detail);
    if (error.faults.length > 0) answer.faults = error.faults.map(({ path, message }) => ({ path, message }));
    return { status: error.status, answer };
  }
  if (!isFastifyError(error)) return undefined;
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500) return undefined;
  const code = status === 413 ? 'GW_BODY_TOO_LARGE' : 'GW_INVALID_REQUEST';
  return { status, answer: toAnswer(code, error.message) };
}

function toAnswer(code: ErrorCode, detail: string): ErrorAnswer {
  return { code, message: errors[code].message, detail, hint: errors[code].hint };
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

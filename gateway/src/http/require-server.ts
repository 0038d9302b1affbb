// A `preHandler` of all paths below /servers/:id that speak MCP.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../auth/index.ts';
import { GatewayError } from '../errors.ts';

/** Is there such a virtual server, for this identity? */
export type HasServer = (serverId: string, identity: Identity | undefined) => boolean | Promise<boolean>;

/** GW_NOT_FOUND for an id that is none, or not for who asks: nobody is told that it exists. No promise when the answer is in memory. */
export function createRequireServer(hasServer: HasServer) {
  return function requireServer(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
    const { id = '' } = request.params as { id?: string };
    const has = hasServer(id, request.identity);
    if (has instanceof Promise) has.then((later) => done(later ? undefined : unknown(id)), done);
    else done(has ? undefined : unknown(id));
  };
}

function unknown(id: string): GatewayError {
  return new GatewayError('GW_NOT_FOUND', { detail: `no virtual server has the id ${id}` });
}

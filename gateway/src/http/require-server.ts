// A `preHandler` of all paths below /servers/:id that speak MCP.
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';

export function createRequireServer(hasServer: (serverId: string) => Promise<boolean>) {
  /** @throws GW_NOT_FOUND */
  return async function requireServer(request: FastifyRequest): Promise<void> {
    const { id = '' } = request.params as { id?: string };
    if (await hasServer(id)) return;
    throw new GatewayError('GW_NOT_FOUND', { detail: `no virtual server has the id ${id}` });
  };
}

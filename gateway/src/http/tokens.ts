import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../auth/access.ts';
import { anonymous } from '../auth/index.ts';
import { TokenCreate } from '../auth/tokens.ts';
import { readOutside } from '../registry/body.ts';
import { readOffsetPage } from './offset-paging.ts';
import { acceptEmptyBodies, idOf } from './rest.ts';

const Revocation = Type.Object({ reason: Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()])) });
const who = (request: FastifyRequest) => request.identity ?? anonymous;

/** API tokens of whoever asks. DELETE revokes. */
export const tokenRoutes: FastifyPluginAsync<{ access: Access }> = async (app, { access: { tokens } }) => {
  acceptEmptyBodies(app);
  app.get('/tokens', (request) => {
    const { limit, offset, includeInactive } = readOffsetPage(request, 50);
    return tokens.list(who(request), includeInactive, limit, offset);
  });
  app.post('/tokens', async (request, reply) => {
    const created = await tokens.create(who(request), readOutside(TokenCreate, request.body, 'body'));
    return reply.code(201).header('cache-control', 'no-store').send(created);
  });
  app.get('/tokens/:id', (request) => tokens.read(who(request), idOf(request)));
  app.delete('/tokens/:id', async (request, reply) => {
    const { reason } = readOutside(Revocation, request.body ?? {}, 'body');
    await tokens.revoke(who(request), idOf(request), reason ?? undefined);
    return reply.code(204).send();
  });
};

// Users, for administrators.
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../auth/access.ts';
import { requireAdmin } from '../auth/index.ts';
import { UserChange, UserCreate } from '../auth/users.ts';
import { readOutside } from '../registry/body.ts';
import { readOffsetPage } from './offset-paging.ts';
import { readSecretBody } from './read-secret-body.ts';
import { acceptEmptyBodies } from './rest.ts';

const Params = Type.Object({ email: Type.String({ minLength: 1, maxLength: 255 }) });
const emailOf = (request: FastifyRequest) => readOutside(Params, request.params, 'path').email;

export const userRoutes: FastifyPluginAsync<{ access: Access }> = async (app, { access: { users } }) => {
  acceptEmptyBodies(app);
  app.addHook('onRequest', requireAdmin);
  const path = '/auth/email/admin/users';

  app.get(path, async (request) => {
    const { limit, offset } = readOffsetPage(request, 50);
    return await users.list(limit, offset);
  });
  app.post(path, async (request, reply) => {
    const wanted = readSecretBody(UserCreate, request.body);
    return reply.code(201).send(await users.create(wanted, request.identity?.sub ?? ''));
  });
  app.get(`${path}/:email`, (request) => users.read(emailOf(request)));
  const update = (request: FastifyRequest) => users.update(emailOf(request), readSecretBody(UserChange, request.body));
  app.put(`${path}/:email`, update);
  app.patch(`${path}/:email`, update);
  app.delete(`${path}/:email`, async (request) => {
    const email = emailOf(request);
    await users.remove(email);
    return { success: true, message: `user ${email} deleted` };
  });
  app.post(`${path}/:email/unlock`, async (request) => {
    const email = emailOf(request);
    await users.unlock(email);
    return { success: true, message: `user ${email} unlocked` };
  });
};

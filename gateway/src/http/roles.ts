// Roles and who has which: for administrators, but everybody may look at their own.
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../auth/access.ts';
import { permissions } from '../auth/built-in-roles.ts';
import { anonymous, requireAdmin } from '../auth/index.ts';
import { RoleAssign, RoleCreate } from '../auth/roles.ts';
import { readOutside } from '../registry/body.ts';
import { acceptEmptyBodies, idOf } from './rest.ts';

const Assignment = Type.Object({ email: Type.String({ minLength: 1 }), role: Type.Optional(Type.String()) });
const assignmentOf = (request: FastifyRequest) => readOutside(Assignment, request.params, 'path');
const who = (request: FastifyRequest) => request.identity ?? anonymous;

export const roleRoutes: FastifyPluginAsync<{ access: Access }> = async (app, { access: { roles } }) => {
  acceptEmptyBodies(app);
  app.get('/rbac/my/roles', (request) => roles.ofUser(who(request).sub));
  app.get('/rbac/my/permissions', async (request) => {
    const grant = who(request).grant;
    if (grant?.isAdmin === true) return ['*'];
    return [...(grant?.permissions ?? permissions)].toSorted();
  });

  const onRequest = requireAdmin;
  app.get('/rbac/roles', { onRequest }, () => roles.list());
  app.post('/rbac/roles', { onRequest }, (request) =>
    roles.create(readOutside(RoleCreate, request.body, 'body'), who(request).sub),
  );
  app.get('/rbac/roles/:id', { onRequest }, (request) => roles.read(idOf(request)));
  app.delete('/rbac/roles/:id', { onRequest }, async (request) => {
    const id = idOf(request);
    await roles.remove(id);
    return { success: true, message: `role ${id} deleted` };
  });
  app.get('/rbac/users/:email/roles', { onRequest }, (request) => roles.ofUser(assignmentOf(request).email));
  app.post('/rbac/users/:email/roles', { onRequest }, (request) => {
    const { role_id } = readOutside(RoleAssign, request.body, 'body');
    return roles.assign(assignmentOf(request).email, role_id, who(request).sub);
  });
  app.delete('/rbac/users/:email/roles/:role', { onRequest }, async (request) => {
    const { email, role = '' } = assignmentOf(request);
    await roles.withdraw(email, role);
    return { success: true, message: `${email} has not the role ${role} any more` };
  });
};

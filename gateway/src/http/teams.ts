import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../auth/access.ts';
import { anonymous } from '../auth/index.ts';
import { MemberAdd, MemberChange, TeamChange, TeamCreate } from '../auth/teams.ts';
import { GatewayError } from '../errors.ts';
import { readOutside } from '../registry/body.ts';
import { readOffsetPage } from './offset-paging.ts';
import { acceptEmptyBodies, idOf } from './rest.ts';

const Member = Type.Object({ id: Type.String(), email: Type.String({ minLength: 1, maxLength: 255 }) });
const memberOf = (request: FastifyRequest) => readOutside(Member, request.params, 'path');
const who = (request: FastifyRequest) => request.identity ?? anonymous;

/** Teams and their members. ContextForge's clients ask with and without the slash at the end. */
export const teamRoutes: FastifyPluginAsync<{ access: Access }> = async (app, { access: { teams } }) => {
  acceptEmptyBodies(app);
  app.addHook('onRequest', refuseLimited);
  for (const path of ['/teams', '/teams/']) {
    app.get(path, async (request) => {
      const { limit, offset } = readOffsetPage(request, 50);
      return await teams.list(who(request), limit, offset);
    });
    app.post(path, async (request, reply) => {
      const team = await teams.create(who(request), readOutside(TeamCreate, request.body, 'body'));
      return reply.code(201).send(team);
    });
  }
  app.get('/teams/:id', (request) => teams.read(who(request), idOf(request)));
  app.put('/teams/:id', (request) =>
    teams.update(who(request), idOf(request), readOutside(TeamChange, request.body, 'body')),
  );
  app.delete('/teams/:id', async (request) => {
    const id = idOf(request);
    await teams.remove(who(request), id);
    return { success: true, message: `team ${id} deleted` };
  });
  app.get('/teams/:id/members', (request) => teams.members(who(request), idOf(request)));
  app.post('/teams/:id/members', async (request, reply) => {
    const { email, role } = readOutside(MemberAdd, request.body, 'body');
    return reply.code(201).send(await teams.addMember(who(request), idOf(request), email, role ?? 'member'));
  });
  app.put('/teams/:id/members/:email', (request) => {
    const { id, email } = memberOf(request);
    return teams.changeMember(who(request), id, email, readOutside(MemberChange, request.body, 'body').role);
  });
  app.delete('/teams/:id/members/:email', async (request) => {
    const { id, email } = memberOf(request);
    await teams.removeMember(who(request), id, email);
    return { success: true, message: `${email} is no member of team ${id} any more` };
  });
};

/** No permission is for teams: a token that is limited to some must not give others what its owner's teams have. */
function refuseLimited(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const isChange = request.method !== 'GET' && request.method !== 'HEAD';
  const isRefused = isChange && request.identity?.permissions !== undefined;
  const detail = 'a token that is limited to permissions cannot change teams';
  done(isRefused ? new GatewayError('GW_FORBIDDEN', { detail }) : undefined);
}

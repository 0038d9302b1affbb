// The routes of users, teams, roles and tokens.
import type { FastifyPluginAsync } from 'fastify';
import type { Access } from '../auth/access.ts';
import { accountRoutes } from './account.ts';
import { roleRoutes } from './roles.ts';
import { teamRoutes } from './teams.ts';
import { tokenRoutes } from './tokens.ts';
import { userRoutes } from './users.ts';

export const accessRoutes: FastifyPluginAsync<{ access: Access }> = async (app, options) => {
  for (const routes of [accountRoutes, userRoutes, teamRoutes, roleRoutes, tokenRoutes]) app.register(routes, options);
};

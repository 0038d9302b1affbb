// GET and PATCH /admin/config: the settings in force, and a change of those that are read when they are used. For administrators.
import type { FastifyPluginCallback } from 'fastify';
import { requireAdmin } from '../auth/index.ts';
import { showSettings } from '../config/show.ts';
import type { ResolvedConfig } from '../config.ts';
import { GatewayError } from '../errors.ts';

export interface SettingsPort {
  /** In force now. */
  current: ResolvedConfig;
  /** Changes them in every process of this gateway, all or nothing. @throws GW_CONFIG_INVALID with every fault */
  change(changes: Record<string, unknown>): Promise<void>;
}

export const adminConfigRoutes: FastifyPluginCallback<{ settings: SettingsPort }> = (app, { settings }, done) => {
  app.addHook('onRequest', requireAdmin);

  app.get('/admin/config', () => ({ settings: showSettings(settings.current) }));

  app.patch('/admin/config', async (request) => {
    const { body } = request;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new GatewayError('GW_INVALID_REQUEST', { detail: 'the body must be an object: setting → value' });
    }
    try {
      await settings.change({ ...body });
    } catch (error) {
      // The request is at fault here, not the gateway's own configuration.
      if (!(error instanceof GatewayError) || error.code !== 'GW_CONFIG_INVALID') throw error;
      throw new GatewayError('GW_INVALID_REQUEST', { detail: error.detail, faults: error.faults, cause: error });
    }
    const shown = Object.entries(showSettings(settings.current));
    return { changed: Object.fromEntries(shown.filter(([name]) => name in body)) };
  });
  done();
};

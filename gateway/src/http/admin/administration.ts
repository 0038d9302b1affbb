// Everything below /admin: JSON routes while MCPGATEWAY_ADMIN_API_ENABLED is on, pages while MCPGATEWAY_UI_ENABLED is. For
// administrators; nothing of it is there while both are off.
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Access } from '../../auth/access.ts';
import { requireAdmin } from '../../auth/index.ts';
import type { VerifyToken } from '../../auth/jwt.ts';
import type { Caches } from '../../cache/caches.ts';
import type { Config } from '../../config.ts';
import type { GlobalPassthrough } from '../../federation/global-passthrough.ts';
import type { PoolMetrics } from '../../federation/upstreams.ts';
import type { McpPorts } from '../../mcp/ports.ts';
import type { Records } from '../../records/index.ts';
import type { Registry } from '../../registry/index.ts';
import type { Store } from '../../store/store.ts';
import type { LogTail } from '../../telemetry/log-tail.ts';
import { adminConfigRoutes, type SettingsPort } from '../admin-config.ts';
import { mcpPoolRoutes } from '../mcp-pool.ts';
import { passthroughRoutes } from '../passthrough-headers.ts';
import { recordRoutes } from '../records.ts';
import { configurationPage } from './configuration-page.ts';
import { figurePages, heapSnapshotRoute } from './figure-pages.ts';
import { overviewPage } from './overview-page.ts';
import { registryPages } from './registry-pages.ts';
import type { AdminStats } from './stats.ts';
import { tryToolPage } from './try-tool-page.ts';

export interface AdminOptions {
  config: Config;
  registry: Registry;
  store: Pick<Store, 'ping' | 'pool' | 'query'>;
  caches: Caches;
  access: Access;
  records: Records;
  ports: McpPorts;
  stats: AdminStats;
  poolMetrics: () => PoolMetrics;
  verifyToken: VerifyToken;
  /** The authentication and what comes with it. */
  guard: (app: FastifyInstance) => Promise<void>;
  /** Undefined: nothing changes while the gateway runs. */
  settings?: SettingsPort;
  /** Undefined: nobody changes which headers go on to all upstreams. */
  passthrough?: GlobalPassthrough;
  /** Undefined: the log keeps nothing. */
  logTail?: LogTail | undefined;
  /** Undefined: there is no Redis. */
  redis?: (() => { isUp: boolean }) | undefined;
}

export const administration: FastifyPluginAsync<AdminOptions> = async (app, options) => {
  const { config, guard, records, store, poolMetrics, settings, passthrough, caches } = options;
  const pages = config.MCPGATEWAY_UI_ENABLED ? await openPages(app, options) : undefined;
  await app.register(async function administrators(guarded) {
    if (pages !== undefined) (await import('./browser-door.ts')).letBrowsersIn(guarded);
    await guard(guarded);
    guarded.addHook('onRequest', requireAdmin);
    figureRoutes(guarded, options);
    if (config.MCPGATEWAY_ADMIN_API_ENABLED) {
      guarded.register(recordRoutes, { records, store, config });
      guarded.register(mcpPoolRoutes, { poolMetrics });
      if (settings !== undefined) guarded.register(adminConfigRoutes, { settings });
      if (passthrough !== undefined) {
        const changed = () => caches.invalidate(passthrough.name);
        guarded.register(passthroughRoutes, { config, passthrough, changed });
      }
    }
    if (pages !== undefined) {
      const { showFailures } = await import('./pages.ts');
      const { takeForms } = await import('./forms.ts');
      await guarded.register(async function shown(ui) {
        // Pages are no part of what programs use.
        ui.addHook('onRoute', (route) => {
          route.schema = { ...route.schema, hide: true };
        });
        showFailures(ui, pages);
        takeForms(ui);
        overviewPage(ui, pages, options);
        registryPages(ui, pages, options);
        figurePages(ui, pages, options);
        tryToolPage(ui, pages, options);
        if (settings !== undefined) configurationPage(ui, pages, settings);
      });
    }
  });
};

/** For pages and programs alike. */
function figureRoutes(app: FastifyInstance, { stats }: AdminOptions): void {
  // A page asks every other second: that is no sign of somebody who asks too much.
  app.get('/admin/stats', { config: { rateLimit: false } }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send(stats.live()),
  );
  app.get('/admin/memory-snapshot', (_request, reply) =>
    reply.header('cache-control', 'no-store').send(stats.memory()),
  );
  heapSnapshotRoute(app);
}

/** Read and compiled now, so that the first page is no slower than the others. */
async function openPages(app: FastifyInstance, { config, access, verifyToken }: AdminOptions) {
  const [{ createRender }, { serveAssets }, { createPages }, { loginPage }, { default: cookie }] = await Promise.all([
    import('./templates.ts'),
    import('./assets.ts'),
    import('./pages.ts'),
    import('./login-page.ts'),
    import('@fastify/cookie'),
  ]);
  await app.register(cookie);
  const pages = createPages(await createRender(config.TEMPLATES_AUTO_RELOAD), await serveAssets(app));
  await app.register(loginPage, { config, access, verifyToken, pages });
  return pages;
}

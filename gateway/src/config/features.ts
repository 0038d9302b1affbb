// Features that are switched on as a whole: the admin pages, the JSON routes beside them, plugins.
import { Type } from 'typebox';
import { flag, seconds } from './setting.ts';

export const featureSettings = {
  MCPGATEWAY_UI_ENABLED: flag('serve the admin pages at /admin', false),
  MCPGATEWAY_ADMIN_API_ENABLED: flag('serve the JSON routes below /admin', false),
  TEMPLATES_AUTO_RELOAD: flag('read the templates of the admin pages anew for each page', false),
  ADMIN_STATS_CACHE_ENABLED: flag(
    'keep the counts and figures that the admin pages show; /admin/stats is always counted anew',
    true,
    { live: true },
  ),
  ADMIN_STATS_CACHE_SYSTEM_TTL: seconds('how long the counts of the registry are kept', {
    default: 60,
    minimum: 0,
    maximum: 3600,
    live: true,
  }),
  ADMIN_STATS_CACHE_OBSERVABILITY_TTL: seconds('how long the figures of executions are kept', {
    default: 30,
    minimum: 0,
    maximum: 3600,
    live: true,
  }),
  PLUGINS_ENABLED: flag('load plugins and run their hooks', false),
  PLUGINS_CONFIG_FILE: Type.String({
    default: 'plugins/config.yaml',
    description: 'which plugins to load, YAML or JSON; read while PLUGINS_ENABLED is on',
  }),
};

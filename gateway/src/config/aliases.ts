// Other names under which the source documents know a setting. The setting's own name wins.
import type { SettingName } from '../config.ts';

export const aliases = {
  DB_POOL_MAX_OVERFLOW: 'DB_MAX_OVERFLOW',
} as const satisfies Record<string, SettingName>;

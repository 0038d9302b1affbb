// The literal table of migrations, oldest first. A migration that was released is never changed: add another.
import type { Migration } from 'kysely';
import { registry } from './0001-registry.ts';
import { tagsAndRest } from './0002-tags-and-rest.ts';
import { access } from './0003-access.ts';
import { records } from './0004-records.ts';
import { sharing } from './0005-sharing.ts';
import { gatewayHealth } from './0006-gateway-health.ts';
import { hotQueries } from './0007-hot-queries.ts';
import { upkeepTurns } from './0010-upkeep-turns.ts';
import { globalConfig } from './0011-global-config.ts';
import { visibility } from './0012-visibility.ts';

export const migrations: Record<string, Migration> = {
  '0001_registry': registry,
  '0002_tags_and_rest': tagsAndRest,
  '0003_access': access,
  '0004_records': records,
  '0005_sharing': sharing,
  '0006_gateway_health': gatewayHealth,
  '0007_hot_queries': hotQueries,
  '0010_upkeep_turns': upkeepTurns,
  '0011_global_config': globalConfig,
  '0012_visibility': visibility,
};

// The tables as Kysely sees them; migrations.ts creates them.
import type { ColumnType, Generated } from 'kysely';

/** bigint: an order that never changes, for keyset paging. Read as text by `pg`. */
type Sequence = ColumnType<string, never, never>;
type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface GatewaysTable {
  id: string;
  seq: Sequence;
  name: string;
  slug: string;
  url: string;
  transport: 'STREAMABLEHTTP' | 'SSE';
  description: string | null;
  auth_type: string | null;
  /** Headers for every call to the upstream, as JSON text. Secret: never part of an answer. */
  headers_json: string;
  /** What the upstream said of itself, as JSON text. */
  capabilities_json: string;
  enabled: Generated<boolean>;
  last_seen: Timestamp;
  created_at: Timestamp;
  updated_at: Timestamp;
}

/** Tools, resources, resource templates and prompts: what an upstream offers, one row each. */
export interface EntriesTable {
  id: string;
  seq: Sequence;
  kind: 'tools' | 'resources' | 'resourceTemplates' | 'prompts';
  gateway_id: string;
  /** Public name; unique among tools and among prompts. */
  name: string;
  /** The upstream's name; for resources the URI, for resource templates the URI template. */
  original_name: string;
  /** The entry as MCP lists it, with the public name inside: JSON text that goes out as it stands. */
  mcp_json: string;
  /** Found by asking the upstream (false: created by hand, and kept when the upstream is asked again). */
  discovered: boolean;
  enabled: Generated<boolean>;
  created_at: Timestamp;
  updated_at: Timestamp;
}

/** Virtual servers. */
export interface ServersTable {
  id: string;
  seq: Sequence;
  name: string;
  description: string | null;
  icon: string | null;
  enabled: Generated<boolean>;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface ServerEntriesTable {
  server_id: string;
  entry_id: string;
}

export interface Database {
  gateways: GatewaysTable;
  entries: EntriesTable;
  servers: ServersTable;
  server_entries: ServerEntriesTable;
}

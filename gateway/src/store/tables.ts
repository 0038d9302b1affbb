// The tables as Kysely sees them; migrations.ts creates them.
import type { ColumnType, Generated } from 'kysely';

/** bigint: an order that never changes, for keyset paging. Read as text by `pg`. */
type Sequence = ColumnType<string, never, never>;
type Timestamp = ColumnType<Date, Date | undefined, Date>;
type Visibility = 'private' | 'team' | 'public';

export interface GatewaysTable {
  id: string;
  seq: Sequence;
  name: string;
  slug: string;
  url: string;
  /** `REST` in the one row that tools of their own belong to (migrations/0002), which nobody reads. */
  transport: 'STREAMABLEHTTP' | 'SSE';
  description: string | null;
  auth_type: string | null;
  /** Headers for every call to the upstream, as JSON text. Secret: never part of an answer. */
  headers_json: string;
  /** What the upstream said of itself, as JSON text. */
  capabilities_json: string;
  enabled: Generated<boolean>;
  /** False when it failed its health checks: its entries are not listed. */
  reachable: Generated<boolean>;
  /** Names of clients' headers that go on to it, as JSON array; null: DEFAULT_PASSTHROUGH_HEADERS. */
  passthrough_headers: string | null;
  /** JSON array of words. */
  tags: Generated<string>;
  last_seen: Timestamp;
  visibility: Generated<Visibility>;
  /** Whom it is for with `team`. */
  team_id: string | null;
  /** Who made it, and whom it is for with `private`. */
  owner_email: string | null;
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
  /** JSON array of words. */
  tags: Generated<string>;
  /** Of tools that are HTTP APIs; null for what an upstream serves. */
  rest_url: string | null;
  rest_method: string | null;
  /** Headers for every call, as sealed JSON text. Secret: never part of an answer. */
  rest_headers: string | null;
  /** Null: as its gateway. */
  visibility: Visibility | null;
  /** Whom it is for with `team`. */
  team_id: string | null;
  /** Who made it, and whom it is for with `private`. */
  owner_email: string | null;
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
  /** JSON array of words. */
  tags: Generated<string>;
  visibility: Generated<Visibility>;
  /** Whom it is for with `team`. */
  team_id: string | null;
  /** Who made it, and whom it is for with `private`. */
  owner_email: string | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface ServerEntriesTable {
  server_id: string;
  entry_id: string;
}

/** Flags of the tables below: 0 or 1. Times: ISO texts in UTC, which sort as they are. */
type Flag = number;
type IsoTime = string;

export interface UsersTable {
  /** In lower case. */
  email: string;
  full_name: string | null;
  password_hash: string;
  is_admin: Flag;
  is_active: Flag;
  failed_login_attempts: Generated<number>;
  locked_until: IsoTime | null;
  /** Sessions that were opened before this have ended. */
  sessions_since: IsoTime;
  last_login: IsoTime | null;
  created_at: IsoTime;
  updated_at: IsoTime;
}

export interface TeamsTable {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  visibility: 'private' | 'public';
  max_members: number | null;
  created_by: string;
  created_at: IsoTime;
  updated_at: IsoTime;
}

export interface TeamMembersTable {
  team_id: string;
  user_email: string;
  role: 'owner' | 'member';
  invited_by: string | null;
  joined_at: IsoTime;
}

export interface RolesTable {
  id: string;
  name: string;
  description: string | null;
  scope: 'global' | 'team' | 'personal';
  permissions_json: string;
  created_by: string;
  created_at: IsoTime;
  updated_at: IsoTime;
}

export interface UserRolesTable {
  user_email: string;
  /** The id of a role, which for a built-in one is its name. */
  role: string;
  granted_by: string;
  granted_at: IsoTime;
}

export interface ApiTokensTable {
  id: string;
  jti: string;
  user_email: string;
  name: string;
  description: string | null;
  server_id: string | null;
  team_id: string | null;
  permissions_json: string;
  tags_json: string;
  created_at: IsoTime;
  expires_at: IsoTime | null;
}

export interface RevokedTokensTable {
  jti: string;
  revoked_by: string;
  reason: string | null;
  revoked_at: IsoTime;
  expires_at: IsoTime | null;
}

/** Counted up by each invalidation of that cache, for the other processes. */
export interface CacheVersionsTable {
  name: string;
  version: number;
}

/** What was set for all instances while they ran. */
export interface GlobalConfigTable {
  name: string;
  value_json: string;
}

/** Milliseconds since 1970, or a count. Read as text by `pg`. */
type Big = ColumnType<string | number, number, number>;

/** Executions of a tool, a resource or a prompt that ended alike and were written together. */
export interface EntryExecutionsTable {
  entry_id: string;
  kind: string;
  /** Null: they succeeded. */
  error_code: string | null;
  executions: Big;
  sum_ms: number;
  min_ms: number;
  max_ms: number;
  /** When the last of them ended. */
  at_ms: Big;
}

/** All executions of an entry in one hour. */
export interface EntryExecutionHoursTable {
  entry_id: string;
  hour_ms: Big;
  kind: string;
  successes: Big;
  failures: Big;
  sum_ms: number;
  min_ms: number;
  max_ms: number;
  last_at_ms: Big;
}

interface Journal {
  id: string;
  at_ms: Big;
}

export interface AuditTrailTable extends Journal {
  user_id: string;
  action: string;
  resource_type: string;
  before_id: string | null;
  after_id: string | null;
  resource_name: string | null;
  method: string;
  path: string;
  status: number;
  client_ip: string | null;
  correlation_id: string | null;
}

export interface SecurityEventsTable extends Journal {
  event_type: string;
  severity: string;
  user_id: string | null;
  client_ip: string | null;
  method: string;
  path: string;
  detail: string;
  correlation_id: string | null;
}

export interface StructuredLogEntriesTable extends Journal {
  level: string;
  message: string;
  correlation_id: string | null;
  detail_json: string;
}

export interface TokenUsageTable extends Journal {
  token_hash: string;
  user_id: string;
  method: string;
  path: string;
  client_ip: string | null;
}

/** When the processes over this database last did what one of them does for all. */
export interface UpkeepTurnsTable {
  name: string;
  at_ms: Big;
}

export interface Database {
  gateways: GatewaysTable;
  entries: EntriesTable;
  servers: ServersTable;
  server_entries: ServerEntriesTable;
  users: UsersTable;
  teams: TeamsTable;
  team_members: TeamMembersTable;
  roles: RolesTable;
  user_roles: UserRolesTable;
  api_tokens: ApiTokensTable;
  revoked_tokens: RevokedTokensTable;
  cache_versions: CacheVersionsTable;
  global_config: GlobalConfigTable;
  entry_executions: EntryExecutionsTable;
  entry_execution_hours: EntryExecutionHoursTable;
  audit_trail: AuditTrailTable;
  security_events: SecurityEventsTable;
  structured_log_entries: StructuredLogEntriesTable;
  token_usage: TokenUsageTable;
  upkeep_turns: UpkeepTurnsTable;
}

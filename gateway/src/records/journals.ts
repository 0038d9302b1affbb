// Rows of the tables that only grow: audit trail, security events, log entries, use of tokens. Texts are cut and cleared of
// secrets here, whoever hands them in.
import { createHash, randomUUID } from 'node:crypto';
import type { Insertable } from 'kysely';
import { pino } from 'pino';
import type {
  AuditTrailTable,
  SecurityEventsTable,
  StructuredLogEntriesTable,
  TokenUsageTable,
} from '../store/tables.ts';
import { redact } from '../telemetry/redact.ts';

const TEXT_MAX = 2000;

export interface AuditEntry {
  user: string;
  /** `create`, `update`, `delete`, `call` … */
  action: string;
  resourceType: string;
  beforeId: string | undefined;
  afterId: string | undefined;
  resourceName: string | undefined;
  method: string;
  path: string;
  status: number;
  clientIp: string | undefined;
  correlationId: string | undefined;
}

export function toAuditRow(entry: AuditEntry): Insertable<AuditTrailTable> {
  return {
    ...head(),
    user_id: clean(entry.user),
    action: entry.action,
    resource_type: entry.resourceType,
    before_id: orNull(entry.beforeId),
    after_id: orNull(entry.afterId),
    resource_name: orNull(entry.resourceName),
    method: entry.method,
    path: clean(entry.path),
    status: entry.status,
    client_ip: orNull(entry.clientIp),
    correlation_id: orNull(entry.correlationId),
  };
}

export interface SecurityEvent {
  type: 'authentication_failed' | 'access_denied' | 'rate_limited';
  user: string | undefined;
  clientIp: string | undefined;
  method: string;
  path: string;
  detail: string;
  correlationId: string | undefined;
}

const severities = { authentication_failed: 'medium', access_denied: 'medium', rate_limited: 'low' } as const;

export function toSecurityRow(event: SecurityEvent): Insertable<SecurityEventsTable> {
  return {
    ...head(),
    event_type: event.type,
    severity: severities[event.type],
    user_id: orNull(event.user),
    client_ip: orNull(event.clientIp),
    method: event.method,
    path: clean(event.path),
    detail: clean(event.detail),
    correlation_id: orNull(event.correlationId),
  };
}

/** @param line as pino writes it, cleared of secrets already */
export function toLogRow(line: string): Insertable<StructuredLogEntriesTable> {
  const {
    time,
    level,
    msg,
    correlationId,
    pid: _,
    hostname: __,
    ...detail
  } = JSON.parse(line) as Record<string, unknown>;
  return {
    id: nextId(),
    at_ms: typeof time === 'number' ? time : Date.now(),
    level: pino.levels.labels[Number(level)] ?? String(level),
    message: clean(String(msg ?? '')),
    correlation_id: typeof correlationId === 'string' ? correlationId : null,
    detail_json: toDetail(detail),
  };
}

export interface TokenUse {
  /** The Authorization header. */
  authorization: string;
  user: string;
  method: string;
  path: string;
  clientIp: string | undefined;
}

/** A hash, so that the table opens no door. */
export function toTokenHash(authorization: string): string {
  return createHash('sha256').update(authorization).digest('hex').slice(0, 32);
}

export function toTokenUsageRow(use: TokenUse): Insertable<TokenUsageTable> {
  return {
    ...head(),
    token_hash: toTokenHash(use.authorization),
    user_id: clean(use.user),
    method: use.method,
    path: clean(use.path),
    client_ip: orNull(use.clientIp),
  };
}

function head() {
  return { id: nextId(), at_ms: Date.now() };
}

let lastNumber = 0;

/** Rises within a process: what happened in one millisecond is read in its order (read-journal.ts). */
function nextId(): string {
  lastNumber = (lastNumber + 1) >>> 0;
  return `${lastNumber.toString(16).padStart(8, '0')}-${randomUUID()}`;
}

function orNull(text: string | undefined): string | null {
  return text === undefined ? null : clean(text);
}

/** Cut text would be no JSON any more. */
function toDetail(detail: object): string {
  const text = JSON.stringify(detail);
  return text.length > TEXT_MAX ? JSON.stringify({ cut: text.slice(0, TEXT_MAX / 2) }) : clean(text);
}

/** NUL is the one character that PostgreSQL does not store. */
function clean(text: string): string {
  return redact(text.replaceAll('\0', '').slice(0, TEXT_MAX));
}

// What Redis knows of clients' sessions, so that another process can go on with one whose own has ended: no messages, no secret, and
// of its user a hash. One process owns a record; only that one renews it, and whoever takes it over says so to all.
import { type Static, Type } from 'typebox';
import { parse } from '../parse.ts';
import { REQUEST_DEADLINE_MS, type RedisClient } from './redis-client.ts';

export const SessionRecord = Type.Object(
  {
    /** SHA-256 of the user. */
    identity: Type.String(),
    serverId: Type.Optional(Type.String()),
    protocolVersion: Type.String(),
    capabilities: Type.Record(Type.String(), Type.Unknown()),
    logLevel: Type.Optional(Type.String()),
    /** URIs. */
    subscriptions: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false },
);
export type SessionRecord = Static<typeof SessionRecord>;

/** None of these rejects: without Redis nothing is written, and nobody has a session but in memory. */
export interface SessionRecords {
  /** Writes it, or renews it, for so long. @returns false when another process has it now; undefined: nobody could be asked */
  keep(id: string, record: SessionRecord, ttlMs: number): Promise<boolean | undefined>;
  /** @returns the record and the mark of the process that owns it */
  read(id: string): Promise<{ owner: string; record: SessionRecord } | undefined>;
  /** @returns false when it is not that owner's any more */
  take(id: string, from: string, record: SessionRecord, ttlMs: number): Promise<boolean>;
  /** If it is this process'. */
  remove(id: string): Promise<void>;
  onTaken(listener: (id: string) => void): void;
}

const CHANNEL = 'session-taken';
/** A client that states more than this, or subscribes to more, has a session in memory alone. */
const MAX_BYTES = 64 * 1024;

const isOf = 'string.sub(found, 1, #ARGV[1]) == ARGV[1]';
const keepScript = `local found = redis.call('get', KEYS[1])
if found and not (${isOf}) then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;
const takeScript = `local found = redis.call('get', KEYS[1])
if not found or not (${isOf}) then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('publish', ARGV[4], ARGV[5])
return 1`;
const removeScript = `local found = redis.call('get', KEYS[1])
if found and ${isOf} then return redis.call('del', KEYS[1]) end
return 0`;

/** @param owner this process' mark */
export function createSessionRecords(redis: RedisClient, owner: string): SessionRecords {
  const keyOf = (id: string) => `${redis.prefix}session:${redis.scope}:${id}`;
  const patience = { deadlineMs: REQUEST_DEADLINE_MS };
  /** The owner stands before the record, so that a script sees whose it is without reading the rest. */
  const ownLine = `${owner}\n`;
  const toText = (record: SessionRecord) => `${ownLine}${JSON.stringify(record)}`;
  const toTtl = (ttlMs: number) => Math.max(1, Math.round(ttlMs));
  const withoutRedis = (): undefined => undefined; // said once by the client

  return {
    async keep(id, record, ttlMs) {
      const text = toText(record);
      if (!redis.isUp() || text.length > MAX_BYTES) return undefined;
      return await redis
        .call((commands) => commands.eval(keepScript, 1, keyOf(id), ownLine, text, toTtl(ttlMs)), patience)
        .then((kept) => kept === 1, withoutRedis);
    },
    async read(id) {
      if (!redis.isUp()) return undefined;
      const text = await redis.call((commands) => commands.get(keyOf(id)), patience).catch(withoutRedis);
      return typeof text === 'string' ? readRecord(text) : undefined;
    },
    async take(id, from, record, ttlMs) {
      const text = toText(record);
      const channel = `${redis.prefix}${CHANNEL}`;
      return await redis
        .call(
          (commands) =>
            commands.eval(takeScript, 1, keyOf(id), `${from}\n`, text, toTtl(ttlMs), channel, `${ownLine}${id}`),
          patience,
        )
        .then(
          (taken) => taken === 1,
          () => false,
        );
    },
    async remove(id) {
      if (!redis.isUp()) return;
      await redis.call((commands) => commands.eval(removeScript, 1, keyOf(id), ownLine), patience).catch(withoutRedis);
    },
    onTaken(listener) {
      redis.subscribe(CHANNEL, (text) => {
        if (!text.startsWith(ownLine)) listener(text.slice(text.indexOf('\n') + 1));
      });
    },
  };
}

/** What does not read as a record is none. */
function readRecord(text: string): { owner: string; record: SessionRecord } | undefined {
  const end = text.indexOf('\n');
  try {
    const value: unknown = JSON.parse(text.slice(end + 1));
    return { owner: text.slice(0, end), record: parse(SessionRecord, value, 'session record') };
  } catch {
    return undefined;
  }
}

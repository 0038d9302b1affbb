// One connection to each gateway's own database for all pg collectors, kept apart by its application name.
import { Client } from 'pg';
import type { SubjectName } from '../plan/plan.ts';
import type { CollectorContext } from './collector.ts';
import { gatewayOf, subjectsOf } from './subjects.ts';

/** Rows of these sessions, and statements with this word in them, are ours and left out of what is told. */
export const APPLICATION_NAME = 'gatebench-collector';
/** Stands behind the first word of every statement: PostgreSQL 18 cuts a leading comment off. */
export const MARK = `/* ${APPLICATION_NAME} */`;

const STATEMENT_TIMEOUT_MS = 2000;
const CONNECT_TIMEOUT_MS = 3000;

export interface Database {
  /** 170010 is 17.10. */
  versionNumber: number;
  /** One statement after another; a lost connection is opened anew by the next. @throws what PostgreSQL says */
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** The databases of the gateways that have one of ours. */
export interface Databases extends AsyncDisposable {
  /** @throws when that gateway's database is not ours */
  of(subject: SubjectName): Database;
}

interface Shared {
  users: number;
  opening: Promise<Map<SubjectName, Connection>>;
}
interface Connection extends Database {
  close(): Promise<void>;
}

const shared = new WeakMap<CollectorContext, Shared>();

/**
 * Opens the databases, or joins the collectors that have; the last one to dispose closes them.
 * @throws when no gateway has a database of ours, or it cannot be reached
 */
export async function openDatabases(context: CollectorContext): Promise<Databases> {
  const share = shared.get(context) ?? { users: 0, opening: connectAll(context) };
  shared.set(context, share);
  share.users++;
  const release = async () => {
    share.users--;
    if (share.users > 0) return;
    shared.delete(context);
    await share.opening.then(closeAll, () => undefined);
  };
  let connections: Map<SubjectName, Connection>;
  try {
    connections = await share.opening;
  } catch (error) {
    await release();
    throw error;
  }
  let released: Promise<void> | undefined;
  return {
    of(subject) {
      const connection = connections.get(subject);
      if (connection === undefined) throw new Error(`the database of the gateway '${subject}' is not ours to read`);
      return connection;
    },
    [Symbol.asyncDispose]() {
      released ??= release();
      return released;
    },
  };
}

async function connectAll(context: CollectorContext): Promise<Map<SubjectName, Connection>> {
  const connections = new Map<SubjectName, Connection>();
  try {
    for (const subject of subjectsOf(context)) {
      const { databaseUrl } = gatewayOf(context, subject);
      if (databaseUrl !== undefined) connections.set(subject, await connect(databaseUrl));
    }
  } catch (error) {
    await closeAll(connections);
    throw error;
  }
  if (connections.size === 0) throw new Error('there is no PostgreSQL of ours behind the gateway');
  return connections;
}

async function closeAll(connections: Map<SubjectName, Connection>): Promise<void> {
  await Promise.all([...connections.values()].map((connection) => connection.close()));
}

async function connect(connectionString: string): Promise<Connection> {
  let client: Client | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function open(): Promise<Client> {
    if (client !== undefined) return client;
    const opened = new Client({
      connectionString,
      application_name: APPLICATION_NAME,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 500,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    // A connection that breaks between two statements tells it here; the next statement opens another.
    opened.on('error', () => {
      if (client === opened) client = undefined;
    });
    await opened.connect();
    client = opened;
    return opened;
  }

  const connection: Connection = {
    versionNumber: 0,
    query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
      const answer = queue.then(async () => (await (await open()).query(text, values)).rows as Row[]);
      queue = answer.catch(() => undefined);
      return answer;
    },
    async close() {
      await queue;
      await client?.end();
      client = undefined;
    },
  };
  const [row] = await connection.query<{ number: number }>(
    `SELECT ${MARK} current_setting('server_version_num')::int AS number`,
  );
  connection.versionNumber = row?.number ?? 0;
  return connection;
}

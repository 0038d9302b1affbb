// One connection to PostgreSQL, direct or through a pooler (PgBouncer) that lends a server connection for one transaction:
// there nothing may be left behind on the connection (settings, named statements), and start parameters are refused.
import { connect as connectSocket } from 'node:net';
import type { CompiledQuery } from 'kysely';
import pg from 'pg';
import type { Config } from '../config.ts';
import { pipelined } from './batch.ts';
import { insertByCopy } from './bulk-insert.ts';
import type { ToName } from './statement-names.ts';

/** What is known of the way to the server; `isPooled` is undefined until the first connection has shown it. */
export interface Route {
  isPooled: boolean | undefined;
  mayPrepare: boolean;
}

export function toRoute({ DB_POOLER }: Pick<Config, 'DB_POOLER'>): Route {
  const isPooled = DB_POOLER === 'auto' ? undefined : DB_POOLER !== 'none';
  return { isPooled, mayPrepare: DB_POOLER !== 'transaction' };
}

/** `deadlines`: those of DB_STATEMENT_TIMEOUT and DB_IDLE_IN_TRANSACTION_TIMEOUT; migrations take as long as they take. */
export interface ClientOptions {
  config: Config;
  url: string;
  route: Route;
  deadlines: boolean;
  toName: ToName;
  /** The connection broke while nobody used it. */
  broke: (client: PostgresClient, error: Error | undefined) => void;
}

/** The server ends a statement at its deadline and the connection lives on; only if it does not, the connection is given up. */
const GRACE_MS = 200;
const CLOSE_MS = 1000;

/** @throws what `pg` throws */
export async function openPostgresClient(options: ClientOptions): Promise<PostgresClient> {
  const { route } = options;
  let client = new PostgresClient(options);
  try {
    await client.connect();
  } catch (error) {
    if (!isRefusedParameter(error) || route.isPooled !== undefined) throw error;
    route.isPooled = true;
    client = new PostgresClient(options);
    await client.connect();
  }
  // A pooler gives its own number for the connection, not that of the server process.
  route.isPooled ??= (await client.serverProcessId()) !== client.processId;
  if (route.isPooled && options.config.DB_POOLER === 'auto') route.mayPrepare = false;
  return client;
}

/** PgBouncer's answer to `statement_timeout` and its kin among the start parameters. */
function isRefusedParameter(error: unknown): boolean {
  return error instanceof Error && error.message.includes('unsupported startup parameter');
}

export class PostgresClient {
  readonly raw: pg.Client & { pipeline?: boolean };
  isBroken = false;
  #cancelled: Promise<void> | undefined;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { config, url, route, deadlines } = options;
    const statementMs = Math.round(config.DB_STATEMENT_TIMEOUT * 1000);
    this.raw = new pg.Client({
      connectionString: url,
      application_name: 'gatebench-gateway',
      keepAlive: true,
      connectionTimeoutMillis: Math.round(config.DB_CONNECT_TIMEOUT * 1000),
      ...(deadlines && route.isPooled !== true
        ? {
            statement_timeout: statementMs,
            idle_in_transaction_session_timeout: idleMs(config),
          }
        : {}),
      // For a server that hangs and so cannot keep its own deadline, and for one behind a pooler, which has none.
      ...(deadlines ? { query_timeout: route.isPooled === true ? statementMs : statementMs + GRACE_MS } : {}),
    });
    // Without a listener an error on an idle connection would end the process.
    this.raw.on('error', (error) => this.#break(error));
    this.raw.on('end', () => this.#break(undefined));
  }

  async connect(): Promise<void> {
    try {
      await this.raw.connect();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async query(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    const { route, toName } = this.#options;
    const name = values.length > 0 && route.mayPrepare ? toName(text) : undefined;
    try {
      if (text === 'begin' && route.isPooled) return await this.raw.query(this.#beginWithDeadlines());
      return await this.raw.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
    } catch (error) {
      if (error instanceof Error && error.message === 'Query read timeout') this.#giveUp();
      throw error;
    }
  }

  /** @throws the first failure; then nothing of it was done */
  async pipelined(queries: readonly CompiledQuery[]): Promise<unknown[][]> {
    this.raw.pipeline = true;
    try {
      return await pipelined((text, values) => this.query(text, values), queries);
    } finally {
      this.raw.pipeline = false;
    }
  }

  async copy(table: string, rows: readonly object[]): Promise<void> {
    const late = setTimeout(
      () => this.close(),
      Math.round(this.#options.config.DB_STATEMENT_TIMEOUT * 1000) + GRACE_MS,
    );
    try {
      await insertByCopy(this.raw, table, rows);
    } catch (error) {
      this.isBroken = true; // where it stopped is not known
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    this.isBroken = true;
    if (this.#cancelled === undefined) this.#end();
    else this.#cancelled.then(() => this.#end()); // a pooler knows the statement only as long as its client is there
  }

  get processId(): number | undefined {
    return 'processID' in this.raw && typeof this.raw.processID === 'number' ? this.raw.processID : undefined;
  }

  async serverProcessId(): Promise<number> {
    const { rows } = await this.raw.query<{ pid: number }>('select pg_backend_pid() as pid');
    return rows[0]?.pid ?? 0;
  }

  /** `set local` ends with the transaction: the next one on that server connection may be another client's. */
  #beginWithDeadlines(): string {
    const { config, deadlines } = this.#options;
    if (!deadlines) return 'begin';
    const statementMs = Math.round(config.DB_STATEMENT_TIMEOUT * 1000);
    return `begin; set local statement_timeout = ${statementMs}; set local idle_in_transaction_session_timeout = ${idleMs(config)}`;
  }

  /** Its answer is still to come, so nothing else may be sent on it; behind a pooler the server is told to stop. */
  #giveUp(): void {
    this.isBroken = true;
    if (this.#options.route.isPooled) this.#cancelled = this.#cancel();
  }

  /** A connection of its own that carries nothing but the request (protocol, section 55.2.8 "Canceling Requests in Progress"). */
  #cancel(): Promise<void> {
    const secret = 'secretKey' in this.raw ? this.raw.secretKey : undefined;
    const key = Buffer.isBuffer(secret) ? secret : Buffer.alloc(4);
    if (typeof secret === 'number') key.writeInt32BE(secret);
    const message = Buffer.alloc(12 + key.length);
    message.writeInt32BE(message.length, 0);
    message.writeInt32BE(80877102, 4);
    message.writeInt32BE(this.processId ?? 0, 8);
    key.copy(message, 12);
    return new Promise((resolve) => {
      const socket = connectSocket({ host: this.raw.host, port: this.raw.port }, () => socket.write(message));
      socket.setTimeout(CLOSE_MS, () => socket.destroy());
      socket.on('error', () => undefined); // the connection is given up anyway
      socket.on('close', () => resolve());
      socket.resume();
    });
  }

  #end(): void {
    this.raw.end().catch(() => undefined);
    // A server that hangs does not end its half of the connection.
    setTimeout(() => this.raw.connection.stream.destroy(), CLOSE_MS).unref();
  }

  #break(error: Error | undefined): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.#options.broke(this, error);
  }
}

function idleMs({ DB_IDLE_IN_TRANSACTION_TIMEOUT }: Config): number {
  return Math.round(DB_IDLE_IN_TRANSACTION_TIMEOUT * 1000);
}

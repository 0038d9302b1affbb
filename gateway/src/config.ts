// Every setting of the gateway. Property names are the environment names; the source's tuning guide spells most of them.
import { type Static, type TSchema, Type } from 'typebox';
import { GatewayError } from './errors.ts';
import { type Fault, ParseError, parse } from './parse.ts';

const seconds = (description: string, limits: { default: number; minimum: number; maximum: number }) =>
  Type.Number({ ...limits, description: `${description} (seconds)` });

export const Config = Type.Object(
  {
    HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'address to listen on' }),
    PORT: Type.Integer({
      default: 4444,
      minimum: 0,
      maximum: 65535,
      description: 'port to listen on; 0 lets the operating system choose',
    }),
    LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'info',
      description: 'least severe level that is logged',
    }),
    MAX_REQUEST_BYTES: Type.Integer({
      default: 4 * 1024 * 1024,
      minimum: 1024,
      maximum: 64 * 1024 * 1024,
      description: 'largest request body (bytes)',
    }),
    ALLOWED_ORIGINS: Type.String({
      default: '',
      description: 'origins a browser may send requests from, separated by commas; loopback origins always may',
    }),

    DATABASE_URL: Type.String({
      default: 'postgresql://postgres@127.0.0.1:5432/mcp',
      pattern: '^postgres(ql)?(\\+psycopg[0-9]?)?://.+',
      description: 'PostgreSQL; `postgresql+psycopg://` is accepted too',
    }),
    DB_POOL_SIZE: Type.Integer({
      default: 5,
      minimum: 1,
      maximum: 1000,
      description: 'database connections that are kept open',
    }),
    DB_MAX_OVERFLOW: Type.Integer({
      default: 10,
      minimum: 0,
      maximum: 1000,
      description: 'further database connections, opened in a rush and closed when idle; also DB_POOL_MAX_OVERFLOW',
    }),
    DB_POOL_TIMEOUT: seconds('longest wait for a free database connection', {
      default: 30,
      minimum: 0.01,
      maximum: 600,
    }),
    DB_POOL_RECYCLE: seconds('age at which a database connection is replaced; 0 never', {
      default: 3600,
      minimum: 0,
      maximum: 86_400,
    }),
    DB_CONNECT_TIMEOUT: seconds('longest wait for PostgreSQL to accept a connection', {
      default: 1.5,
      minimum: 0.05,
      maximum: 60,
    }),
    DB_STATEMENT_TIMEOUT: seconds('longest time of one statement, on the server and as seen from here', {
      default: 5,
      minimum: 0.05,
      maximum: 600,
    }),
    DB_PREPARED_STATEMENTS: Type.Boolean({
      default: true,
      description: 'prepare statements by name, once per connection; off behind a transaction pooler that cannot',
    }),

    AUTH_REQUIRED: Type.Boolean({ default: true, description: 'refuse requests without a valid token' }),
    METRICS_AUTH_REQUIRED: Type.Boolean({ default: true, description: 'ask for a token on /metrics too' }),
    JWT_SECRET_KEY: Type.String({
      default: '',
      description: 'key of the tokens (HS256), at least 32 characters; needed while AUTH_REQUIRED is on',
    }),
    JWT_AUDIENCE: Type.String({ default: '', description: 'audience that tokens must name; empty: any' }),
    JWT_ISSUER: Type.String({ default: '', description: 'issuer that tokens must name; empty: any' }),
    JWT_CACHE_ENABLED: Type.Boolean({ default: true, description: 'remember verified tokens' }),
    JWT_CACHE_TTL: seconds('how long a verified token is remembered; never beyond its own expiry', {
      default: 30,
      minimum: 1,
      maximum: 3600,
    }),
    JWT_CACHE_MAX_SIZE: Type.Integer({
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'verified tokens that are remembered',
    }),

    TOOL_TIMEOUT: seconds('longest wait for the answer of an upstream', { default: 60, minimum: 0.05, maximum: 3600 }),
    HTTPX_MAX_CONNECTIONS: Type.Integer({
      default: 200,
      minimum: 1,
      maximum: 10_000,
      description: 'connections to one upstream',
    }),
    HTTPX_KEEPALIVE_EXPIRY: seconds('how long an idle connection to an upstream is kept', {
      default: 30,
      minimum: 0.1,
      maximum: 3600,
    }),
    HTTPX_CONNECT_TIMEOUT: seconds('longest wait for an upstream to accept a connection', {
      default: 5,
      minimum: 0.05,
      maximum: 600,
    }),

    SESSION_TTL: seconds('how long an idle MCP session is kept', { default: 3600, minimum: 0.05, maximum: 604_800 }),
    MAX_SESSIONS: Type.Integer({
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'MCP sessions at a time',
    }),
    SSE_KEEPALIVE_INTERVAL: seconds('time between two keep-alive comments on an event stream', {
      default: 30,
      minimum: 0.05,
      maximum: 3600,
    }),

    REGISTRY_CACHE_TTL: seconds('age at which the registry in memory is read anew, for the writes of other processes', {
      default: 20,
      minimum: 0.01,
      maximum: 86_400,
    }),
    PAGINATION_DEFAULT_PAGE_SIZE: Type.Integer({
      default: 50,
      minimum: 1,
      maximum: 10_000,
      description: 'entries per page',
    }),
    PAGINATION_MAX_PAGE_SIZE: Type.Integer({
      default: 500,
      minimum: 1,
      maximum: 10_000,
      description: 'largest page that a request may ask for',
    }),
    GATEWAY_TOOL_NAME_SEPARATOR: Type.Enum(['-', '--', '_', '.'], {
      default: '-',
      description: 'stands between the slug of a gateway and the slug of its tool or prompt',
    }),
  },
  { additionalProperties: false },
);
export type Config = Static<typeof Config>;

export type SettingName = keyof Config;

/** Other names under which the source documents know a setting. The setting's own name wins. */
const aliases: Record<string, SettingName> = { DB_POOL_MAX_OVERFLOW: 'DB_MAX_OVERFLOW' };

/** Values that no message may show. */
const secrets: ReadonlySet<string> = new Set<SettingName>(['JWT_SECRET_KEY', 'DATABASE_URL']);

const SECRET_MIN_LENGTH = 32; // RFC 7518 section 3.2: an HS256 key has at least 256 bits.

/**
 * Reads the settings from environment variables; an empty variable counts as not set.
 * @throws GW_CONFIG_INVALID with every fault at once
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const given: Record<string, unknown> = {};
  for (const [alias, name] of Object.entries(aliases)) take(given, name, environment[alias]);
  for (const name of settingNames) take(given, name, environment[name]);
  let config: Config | undefined;
  const faults: Fault[] = [];
  try {
    config = parse(Config, given, 'environment');
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    faults.push(...error.faults);
  }
  faults.push(...crossFaults(given, config));
  if (config === undefined || faults.length > 0) {
    const told = faults.map((fault) => (secrets.has(fault.path.slice(1)) ? { ...fault, seen: '<hidden>' } : fault));
    throw new GatewayError('GW_CONFIG_INVALID', { detail: new ParseError('environment', told).message, faults: told });
  }
  return config;
}

const settingNames = Object.keys(Config.properties) as SettingName[];

function take(given: Record<string, unknown>, name: SettingName, text: string | undefined): void {
  if (text === undefined || text === '') return;
  given[name] = fromText(Config.properties[name], text.trim());
}

const booleans: Record<string, boolean> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

/** What does not read as the wanted type stays text, so that the schema's message names it. */
function fromText(schema: TSchema, text: string): unknown {
  if (Type.IsBoolean(schema)) return booleans[text.toLowerCase()] ?? text;
  if (Type.IsNumber(schema) || Type.IsInteger(schema)) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  return text;
}

/** Faults that lie between settings; the secret is judged even when another setting is at fault. */
function crossFaults(given: Record<string, unknown>, config: Config | undefined): Fault[] {
  const faults: Fault[] = [];
  const secret = given['JWT_SECRET_KEY'];
  const isAuthRequired = given['AUTH_REQUIRED'] ?? true;
  if (isAuthRequired && (typeof secret !== 'string' || secret.length < SECRET_MIN_LENGTH)) {
    faults.push({
      path: '/JWT_SECRET_KEY',
      message: `must have at least ${SECRET_MIN_LENGTH} characters while AUTH_REQUIRED is on`,
      seen: secret,
    });
  }
  if (config !== undefined && config.PAGINATION_DEFAULT_PAGE_SIZE > config.PAGINATION_MAX_PAGE_SIZE) {
    faults.push({
      path: '/PAGINATION_DEFAULT_PAGE_SIZE',
      message: `must be at most PAGINATION_MAX_PAGE_SIZE (${config.PAGINATION_MAX_PAGE_SIZE})`,
      seen: config.PAGINATION_DEFAULT_PAGE_SIZE,
    });
  }
  return faults;
}

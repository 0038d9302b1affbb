// Every error the gateway itself reports: a stable code, the HTTP status and the JSON-RPC number it crosses the wire with,
// what it means and what to try next. JSON-RPC leaves -32000 to -32099 to the server; MCP keeps all below -32019 for itself (-32023
// was published before that was known here). Each number has one meaning, but for those of JSON-RPC itself and -32001.

export const errors = {
  GW_UNAUTHORIZED: {
    status: 401,
    rpcCode: -32001,
    message: 'no valid token',
    hint: 'send `Authorization: Bearer <token>`; `gateway token --username admin` makes one',
  },
  GW_FORBIDDEN: { status: 403, rpcCode: -32003, message: 'not allowed', hint: 'ask for access with another token' },
  GW_TOO_MANY_REQUESTS: {
    status: 429,
    rpcCode: -32004,
    message: 'too many requests',
    hint: 'wait as long as Retry-After says, or raise the RATE_LIMIT_ setting',
  },
  GW_BUSY: { status: 503, rpcCode: -32005, message: 'too much to do', hint: 'try again in a moment' },
  GW_HEADERS_TOO_LARGE: {
    status: 431,
    rpcCode: -32600,
    message: 'the request has too many headers',
    hint: 'send fewer, or raise MAX_HEADER_COUNT',
  },
  GW_NOT_FOUND: {
    status: 404,
    rpcCode: -32602,
    message: 'there is no such thing',
    hint: 'list what is there: GET /gateways, /servers, /tools, /resources, /prompts',
  },
  GW_CONFLICT: {
    status: 409,
    rpcCode: -32009,
    message: 'it exists already',
    hint: 'choose another name, or update the existing one with PUT',
  },
  GW_INVALID_REQUEST: {
    status: 422,
    rpcCode: -32602,
    message: 'the request breaks its schema',
    hint: 'correct the named properties',
  },
  GW_INVALID_CURSOR: {
    status: 422,
    rpcCode: -32602,
    message: 'the cursor is not one of ours',
    hint: 'pass `nextCursor` of the page before unchanged, for the same list',
  },
  GW_NAME_AMBIGUOUS: {
    status: 422,
    rpcCode: -32602,
    message: 'several entries have that name',
    hint: 'use the public name (with the gateway in front) or the id',
  },
  GW_ADDRESS_REFUSED: {
    status: 422,
    rpcCode: -32602,
    message: 'the gateway does not call that address',
    hint: 'use another address, or allow it: SSRF_ALLOW_LOCALHOST, SSRF_ALLOW_PRIVATE_NETWORKS, SSRF_ALLOWED_NETWORKS',
  },
  GW_CREDENTIALS_UNREADABLE: {
    status: 500,
    rpcCode: -32017,
    message: 'stored credentials of an upstream cannot be read',
    hint: 'start with the secret that they were stored with, or register the upstream with its credentials again',
  },
  GW_BODY_REFUSED: {
    status: 400,
    rpcCode: -32600,
    message: 'the request body is not acceptable',
    hint: 'send UTF-8 JSON that is not nested as deep (VALIDATION_MAX_JSON_DEPTH)',
  },
  GW_BODY_TOO_LARGE: {
    status: 413,
    rpcCode: -32600,
    message: 'the request body is too large',
    hint: 'send less, or raise MAX_REQUEST_BYTES',
  },
  GW_SESSION_NOT_FOUND: {
    status: 404,
    rpcCode: -32001,
    message: 'there is no such session',
    hint: 'send `initialize` again, without Mcp-Session-Id',
  },
  GW_TOO_MANY_SESSIONS: {
    status: 503,
    rpcCode: -32019,
    message: 'the gateway holds as many sessions as it may',
    hint: 'end sessions with DELETE, or raise MAX_SESSIONS',
  },
  GW_CLIENT_UNREACHABLE: {
    status: 502,
    rpcCode: -32008,
    message: 'the client cannot be asked',
    hint: 'keep a session (USE_STATEFUL_SESSIONS) and its event stream open',
  },
  GW_CLIENT_TIMEOUT: {
    status: 504,
    rpcCode: -32000,
    message: 'the client did not answer in time',
    hint: 'answer sooner, or raise MCPGATEWAY_ELICITATION_TIMEOUT',
  },
  GW_TOO_MANY_CALLS: {
    status: 429,
    rpcCode: -32018,
    message: 'too many requests run on one connection',
    hint: 'wait for answers, or open another connection',
  },
  GW_NOT_ACCEPTABLE: {
    status: 406,
    rpcCode: -32600,
    message: 'the client does not take what is served here',
    hint: 'send another Accept header',
  },
  GW_UPGRADE_REQUIRED: {
    status: 426,
    rpcCode: -32600,
    message: 'a WebSocket is served here',
    hint: 'connect with ws:// or wss://',
  },
  GW_OVERLOADED: {
    status: 503,
    rpcCode: -32023,
    message: 'the gateway has as many requests as it takes at a time',
    hint: 'wait for as long as Retry-After says; or raise BACKPRESSURE or WORKERS',
  },
  GW_DATABASE_UNAVAILABLE: {
    status: 503,
    rpcCode: -32010,
    message: 'the database does not answer',
    hint: 'check that PostgreSQL runs and that DATABASE_URL names it, or for SQLite that the folder of the file is there and can be written',
  },
  GW_DATABASE_MIGRATIONS: {
    status: 500,
    rpcCode: -32603,
    message: 'the database has other migrations than this gateway',
    hint: 'start the version of the gateway that wrote it, or a newer one; a database of development is best dropped',
  },
  GW_UPSTREAM_UNREACHABLE: {
    status: 502,
    rpcCode: -32011,
    message: 'the upstream MCP server cannot be reached',
    hint: 'check its URL and that it runs',
  },
  GW_UPSTREAM_TIMEOUT: {
    status: 504,
    rpcCode: -32012,
    message: 'the upstream MCP server did not answer in time',
    hint: 'look at what it does, or raise TOOL_TIMEOUT',
  },
  GW_UPSTREAM_INVALID: {
    status: 502,
    rpcCode: -32013,
    message: 'the upstream MCP server gave an answer that is not valid',
    hint: 'check that its URL is an MCP endpoint (Streamable HTTP)',
  },
  GW_UPSTREAM_BUSY: {
    status: 503,
    rpcCode: -32014,
    message: 'the upstream MCP server has all its connections or sessions in use',
    hint: 'try again, or raise HTTPX_MAX_CONNECTIONS, MCP_SESSION_POOL_MAX_PER_KEY or TOOL_CONCURRENT_LIMIT',
  },
  GW_UPSTREAM_CIRCUIT_OPEN: {
    status: 503,
    rpcCode: -32015,
    message: 'the upstream MCP server failed again and again and is left alone for a while',
    hint: 'try again after the time named; GET /admin/mcp-pool/metrics shows all circuits',
  },
  GW_LOOP: {
    status: 508,
    rpcCode: -32016,
    message: 'the request has come through this gateway before',
    hint: 'gateways that are registered at each other serve the same thing: delete it at one of them',
  },
  GW_PLUGIN_STOPPED: {
    status: 403,
    rpcCode: -32006,
    message: 'a plugin stopped the call',
    hint: 'leave out what the plugin does not let through, or ask who runs the gateway',
  },
  GW_PLUGIN_FAILED: {
    status: 500,
    rpcCode: -32007,
    message: 'a plugin failed, and the call with it',
    hint: 'mend the plugin, or let calls go on without it (mode: permissive)',
  },
  GW_PLUGIN_INVALID: {
    status: 500,
    rpcCode: -32603,
    message: 'a plugin cannot be loaded',
    hint: 'correct PLUGINS_CONFIG_FILE or the plugin that it names, or set PLUGINS_ENABLED=false',
  },
  GW_CONFIG_INVALID: {
    status: 500,
    rpcCode: -32603,
    message: 'the configuration is not valid',
    hint: 'correct what is named and start again: `gateway serve --help` has examples, docs/settings.md every setting, and `gateway serve --print-config` shows where each value comes from',
  },
  GW_INTERNAL: {
    status: 500,
    rpcCode: -32603,
    message: 'the gateway failed',
    hint: 'its log has the reason, under this request id',
  },
} as const satisfies Record<string, { status: number; rpcCode: number; message: string; hint: string }>;

export type ErrorCode = keyof typeof errors;

/** `faults` are told one by one to REST clients, so that all can be corrected at once. */
export interface GatewayErrorOptions {
  detail: string;
  /** Instead of the detail where operators look, and only there: the log, the terminal, traces. */
  inside?: string;
  cause?: unknown;
  faults?: { path: string; message: string }[];
  /** When trying again has a chance. */
  retryAfterSeconds?: number;
}

/** `detail` says what failed, the value seen and what was expected; it is shown to clients and holds no secret. `message` is for us. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  /** For the log: what `detail` does not tell clients. */
  readonly inside: string;
  readonly faults: { path: string; message: string }[];
  readonly retryAfterSeconds: number | undefined;
  constructor(code: ErrorCode, options: GatewayErrorOptions) {
    super(`${code}: ${errors[code].message}: ${options.inside ?? options.detail}`, { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.detail = options.detail;
    this.inside = options.inside ?? options.detail;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
  get status(): number {
    return errors[this.code].status;
  }
  get hint(): string {
    return errors[this.code].hint;
  }
}

export interface JsonRpcError {
  code: number;
  message: string;
  data?: { code: ErrorCode; hint: string; retryAfterSeconds?: number };
}

/** What a JSON-RPC client may know of any failure: an error that is not ours tells nothing of the inside. */
export function toJsonRpcError(error: unknown): JsonRpcError {
  if (!(error instanceof GatewayError))
    return { code: errors.GW_INTERNAL.rpcCode, message: errors.GW_INTERNAL.message };
  return {
    code: errors[error.code].rpcCode,
    message: `${errors[error.code].message}: ${error.detail}`,
    data: {
      code: error.code,
      hint: error.hint,
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    },
  };
}

// Errors that cross the wire as JSON-RPC errors. Our own failures are GatewayErrors (../errors.ts), never these.

/** JSON-RPC 2.0 §5.1, and MCP's code for a resource that is not there. */
export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Up to 2025-11-25; in 2026-07-28 an unknown resource is -32602. */
  resourceNotFound: -32002,
  /** From here on 2026-07-28: https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-codes */
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedVersion: -32022,
} as const;

const known: ReadonlySet<number> = new Set(Object.values(rpcCodes));

/** For counting: an upstream may send any number, and each would be a line of /metrics for ever. */
export function toCountedCode(code: number): string {
  return known.has(code) ? String(code) : 'other';
}

/** What stands behind `"error":` on the wire. */
export interface RpcErrorBody {
  code: number;
  message: string;
  data?: unknown;
}

/** The client's fault, or an upstream's own error that is handed on as it came. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
    this.data = data;
  }
  toBody(): RpcErrorBody {
    const body: RpcErrorBody = { code: this.code, message: this.message };
    if (this.data !== undefined) body.data = this.data;
    return body;
  }
}

// MCP protocol versions that the benchmark servers speak, oldest first.

export const protocolVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
export type ProtocolVersion = (typeof protocolVersions)[number];

/** What a client means that sends no `MCP-Protocol-Version`: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#protocol-version-header */
export const assumedVersion: ProtocolVersion = '2025-03-26';

/** The only version with JSON-RPC batches: https://modelcontextprotocol.io/specification/2025-03-26/basic#batching */
export const batchVersion: ProtocolVersion = '2025-03-26';

export function isProtocolVersion(text: unknown): text is ProtocolVersion {
  return protocolVersions.some((version) => version === text);
}

/** The client's version where we speak it, else our newest; the client then decides whether to go on. */
export function negotiateVersion(wanted: string): ProtocolVersion {
  return isProtocolVersion(wanted) ? wanted : '2025-11-25';
}

// Protocol versions: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#version-negotiation

/** Oldest first. */
export const supportedVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
export type ProtocolVersion = (typeof supportedVersions)[number];

export const latestVersion: ProtocolVersion = '2025-11-25';

/**
 * The revision without sessions: each request states its version itself, and none is negotiated.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning
 */
export const statelessVersion = '2026-07-28';

/** Everything that is spoken here, newest first: what `server/discover` and a refused version tell. */
export const spokenVersions: readonly string[] = [statelessVersion, ...supportedVersions.toReversed()];

/** What a request without `MCP-Protocol-Version` and without a session is taken to speak (transports, 2025-06-18). */
export const assumedVersion: ProtocolVersion = '2025-03-26';

export function isSupportedVersion(version: unknown): version is ProtocolVersion {
  return (supportedVersions as readonly unknown[]).includes(version);
}

/** The client's version when we speak it, else our latest. */
export function negotiateVersion(requested: unknown): ProtocolVersion {
  return isSupportedVersion(requested) ? requested : latestVersion;
}

/** JSON-RPC batches exist in 2025-03-26 alone: the next version took them out again. */
export function allowsBatch(version: ProtocolVersion): boolean {
  return version === '2025-03-26';
}

/** Versions are dates. */
export function isFromVersion(version: string, first: ProtocolVersion): boolean {
  return version >= first;
}

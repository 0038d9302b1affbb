// https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/logging: asked for by each request.
import { RpcError, rpcCodes } from '../rpc-error.ts';

/** Least severe first (RFC 5424 §6.2.1). */
export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
export type LogLevel = (typeof logLevels)[number];

/** @throws RpcError -32602 */
export function readLogLevel(value: unknown): LogLevel | undefined {
  if (value === undefined) return undefined;
  const level = logLevels.find((known) => known === value);
  if (level !== undefined) return level;
  throw new RpcError(
    rpcCodes.invalidParams,
    `Invalid params: log level must be one of ${logLevels.join(', ')}, got ${JSON.stringify(value)}`,
  );
}

/** Is a message of `level` wanted by who asked for `least`? One of an unknown level is. */
export function isWanted(level: unknown, least: LogLevel): boolean {
  const at = (logLevels as readonly unknown[]).indexOf(level);
  return at === -1 || at >= logLevels.indexOf(least);
}

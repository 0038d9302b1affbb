// What each request of the stateless revision says about itself: in `_meta`, and again in HTTP headers that must agree.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata
import type { IncomingHttpHeaders } from 'node:http';
import { findMember } from '../json-text.ts';
import { isObject, type RpcMessage } from '../messages.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { isSupportedVersion, spokenVersions, statelessVersion } from '../versions.ts';
import { decodeHeader } from './header-value.ts';
import { type LogLevel, readLogLevel } from './log-level.ts';
import { nameMembers } from './name-members.ts';

export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

/** What a request told about its client. Nothing of it outlives the request. */
export interface Envelope {
  clientCapabilities: Record<string, unknown>;
  /** Undefined: no log messages for this request. */
  logLevel: LogLevel | undefined;
  progressToken: string | number | undefined;
}

/**
 * Is this request one of the stateless revision, or of a version that nobody speaks here? One look at a header and one at
 * `_meta`: it is asked for every request of the older versions too.
 */
export function isStateless(headers: IncomingHttpHeaders, message: Pick<RpcMessage, 'params'> | undefined): boolean {
  const header = headers['mcp-protocol-version'];
  if (header !== undefined && !isSupportedVersion(header)) return true;
  const meta = message?.params?.['_meta'];
  if (meta === undefined || !isObject(meta)) return false;
  const stated = meta[metaKeys.protocolVersion];
  return stated !== undefined && !isSupportedVersion(stated);
}

/**
 * @throws RpcError -32602 for a `_meta` that lacks what it must have, -32020 where headers and body disagree, -32022 for a
 * version that is not spoken. In this order: who contradicts himself is told that.
 */
export function readEnvelope(message: RpcMessage, headers: IncomingHttpHeaders): Envelope {
  const header = headers['mcp-protocol-version'];
  const meta = message.params?.['_meta'];
  const isUnknown = header !== statelessVersion && header !== undefined && !isSupportedVersion(header);
  if (!isObject(meta) || meta[metaKeys.protocolVersion] === undefined) {
    if (isUnknown) throw refuseVersion(String(header));
    throw invalidParams(`_meta must have ${metaKeys.protocolVersion}`);
  }
  const stated = meta[metaKeys.protocolVersion];
  if (typeof stated !== 'string') throw invalidParams(`${metaKeys.protocolVersion} must be a string`);
  const clientCapabilities = meta[metaKeys.clientCapabilities];
  if (!isObject(clientCapabilities)) throw invalidParams(`${metaKeys.clientCapabilities} must be an object`);
  const clientInfo = meta[metaKeys.clientInfo];
  if (clientInfo !== undefined && !isObject(clientInfo))
    throw invalidParams(`${metaKeys.clientInfo} must be an object`);
  agree('MCP-Protocol-Version', headers['mcp-protocol-version'], stated);
  if (stated !== statelessVersion) throw refuseVersion(stated);
  agree('Mcp-Method', headers['mcp-method'], message.method);
  const nameMember = nameMembers.get(message.method);
  const name = nameMember === undefined ? undefined : message.params?.[nameMember];
  // A name that is no string is refused by the method itself.
  if (typeof name === 'string') agree('Mcp-Name', decodeHeader(headers['mcp-name']), name);
  const progressToken = meta['progressToken'];
  return {
    clientCapabilities,
    logLevel: readLogLevel(meta[metaKeys.logLevel]),
    progressToken: typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined,
  };
}

/**
 * The request as an older upstream may see it: what it says of its client is for this gateway, and a server that speaks
 * both would take a request in the middle of a session for one of the stateless revision.
 */
export function withoutEnvelope(message: RpcMessage): RpcMessage {
  const { params, paramsJson } = message;
  const meta = params?.['_meta'];
  if (params === undefined || paramsJson === undefined || !isObject(meta)) return message;
  const {
    [metaKeys.protocolVersion]: _version,
    [metaKeys.clientInfo]: _info,
    [metaKeys.clientCapabilities]: _capabilities,
    [metaKeys.logLevel]: _level,
    ...own
  } = meta;
  const plain = { ...params, _meta: own };
  const span = findMember(paramsJson, '_meta');
  const text =
    span === undefined
      ? JSON.stringify(plain)
      : `${paramsJson.slice(0, span.start)}${JSON.stringify(own)}${paramsJson.slice(span.end)}`;
  return { ...message, params: plain, paramsJson: text };
}

/** @throws RpcError -32020 */
export function agree(name: string, header: string | string[] | undefined, body: string): void {
  if (header === body) return;
  const seen =
    header === undefined ? 'is missing' : `${JSON.stringify(header)} is not ${JSON.stringify(body)} as in the body`;
  throw new RpcError(rpcCodes.headerMismatch, `Header mismatch: ${name} ${seen}`);
}

function refuseVersion(requested: string): RpcError {
  return new RpcError(rpcCodes.unsupportedVersion, `Unsupported protocol version: ${requested.slice(0, 100)}`, {
    supported: spokenVersions,
    requested,
  });
}

function invalidParams(message: string): RpcError {
  return new RpcError(rpcCodes.invalidParams, `Invalid params: ${message}`);
}

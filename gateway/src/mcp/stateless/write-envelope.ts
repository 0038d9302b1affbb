// What each of our requests to an upstream of the stateless revision says about its client: the counterpart of envelope.ts.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta
import { productInfo } from '../../version.ts';
import { locateMember } from '../json-text.ts';
import { putMeta } from '../meta-text.ts';
import type { StatedClient } from '../ports.ts';
import { statelessVersion } from '../versions.ts';
import { metaKeys } from './envelope.ts';
import { encodeHeader } from './header-value.ts';
import { nameMembers } from './name-members.ts';
import { type ParamHeader, writeParamHeaders } from './param-headers.ts';

const keys: ReadonlySet<string> = new Set([
  metaKeys.protocolVersion,
  metaKeys.clientInfo,
  metaKeys.clientCapabilities,
  metaKeys.logLevel,
]);
const fixed = `"${metaKeys.protocolVersion}":"${statelessVersion}","${metaKeys.clientInfo}":${JSON.stringify(productInfo)}`;

/** Members of `_meta`, as text: the same for all requests of one client. */
export function toEnvelope({ clientCapabilities, logLevel }: StatedClient): string {
  const stated = `${fixed},"${metaKeys.clientCapabilities}":${JSON.stringify(clientCapabilities)}`;
  return logLevel === undefined ? stated : `${stated},"${metaKeys.logLevel}":${JSON.stringify(logLevel)}`;
}

/** Everything else stays as the client wrote it; an envelope that is there already is replaced. */
export function withEnvelope(paramsJson: string | undefined, envelope: string): string {
  return putMeta(paramsJson, { json: envelope, keys, mark: 'io.modelcontextprotocol' });
}

/**
 * What the body says, again in headers, as pairs behind each other.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata
 */
export function toMetadataHeaders(method: string, paramsJson: string | undefined, wanted: ParamHeader[]): string[] {
  const headers = ['mcp-method', method];
  const nameMember = nameMembers.get(method);
  if (nameMember === undefined || paramsJson === undefined) return headers;
  const name = memberOf(paramsJson, nameMember);
  if (typeof name === 'string') headers.push('mcp-name', encodeHeader(name));
  if (wanted.length > 0) headers.push(...writeParamHeaders(wanted, memberOf(paramsJson, 'arguments')));
  return headers;
}

function memberOf(paramsJson: string, name: string): unknown {
  const span = locateMember(paramsJson, name);
  if (span === 'absent') return undefined;
  if (span !== 'unclear') return JSON.parse(paramsJson.slice(span.start, span.end));
  return (JSON.parse(paramsJson) as Record<string, unknown>)[name];
}

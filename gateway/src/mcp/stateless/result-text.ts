// What every result of the stateless revision says beside its content. Spliced into the text: lists come serialised from
// memory, and an upstream's result is handed on as it wrote it.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/index#result-responses
// https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
import { productInfo } from '../../version.ts';
import { findMember, prependMembers } from '../json-text.ts';
import { metaKeys } from './envelope.ts';

const serverInfo = `${JSON.stringify(metaKeys.serverInfo)}:${JSON.stringify(productInfo)}`;

/** What a client may keep, and for how long. */
export interface CacheHint {
  ttlMs: number;
  /** `private`: lists depend on who asks. */
  scope: 'public' | 'private';
}

/**
 * @param resultJson a JSON object; members that it has already stay as they are
 * @param hint for results that must have one, unless the upstream gave its own
 */
export function completeResult(resultJson: string, hint: CacheHint | undefined): string {
  let members = '';
  const type = findMember(resultJson, 'resultType');
  if (type === undefined) members += '"resultType":"complete",';
  // What is not finished must not be kept.
  const isComplete = type === undefined || resultJson.slice(type.start, type.end) === '"complete"';
  if (hint !== undefined && isComplete) {
    if (findMember(resultJson, 'ttlMs') === undefined) members += `"ttlMs":${hint.ttlMs},`;
    if (findMember(resultJson, 'cacheScope') === undefined) members += `"cacheScope":"${hint.scope}",`;
  }
  const meta = findMember(resultJson, '_meta');
  if (meta === undefined) return prependMembers(resultJson, `${members}"_meta":{${serverInfo}}`);
  const metaJson = resultJson.slice(meta.start, meta.end);
  // An upstream that names itself is the server that answered.
  const named = metaJson.startsWith('{') && findMember(metaJson, metaKeys.serverInfo) === undefined;
  const withMeta = named
    ? `${resultJson.slice(0, meta.start)}${prependMembers(metaJson, serverInfo)}${resultJson.slice(meta.end)}`
    : resultJson;
  return members === '' ? withMeta : prependMembers(withMeta, members.slice(0, -1));
}

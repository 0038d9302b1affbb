// Members of ours in the `_meta` of a request that goes on otherwise as its client wrote it.
import { locateMember, prependMembers } from './json-text.ts';
import { isObject } from './messages.ts';

export interface OwnMembers {
  /** `"a":1,"b":2` */
  json: string;
  /** Keys that nobody else's members may have beside them. */
  keys: ReadonlySet<string>;
  /** Stands in all of those keys: text without it has none of them. */
  mark: string;
}

/** @param paramsJson the request's, undefined when it has none. What stands under our keys already is replaced. */
export function putMeta(paramsJson: string | undefined, own: OwnMembers): string {
  if (paramsJson === undefined) return `{"_meta":{${own.json}}}`;
  const span = locateMember(paramsJson, '_meta');
  if (span === 'absent') return prependMembers(paramsJson, `"_meta":{${own.json}}`);
  if (span === 'unclear') {
    const { _meta, ...params } = JSON.parse(paramsJson) as Record<string, unknown>;
    return prependMembers(JSON.stringify(params), `"_meta":${merge(JSON.stringify(_meta ?? {}), own)}`);
  }
  const meta = merge(paramsJson.slice(span.start, span.end), own);
  return `${paramsJson.slice(0, span.start)}${meta}${paramsJson.slice(span.end)}`;
}

function merge(metaJson: string, { json, keys, mark }: OwnMembers): string {
  // A key may be escaped: only what has no backslash shows that it has none of ours.
  if (metaJson.startsWith('{') && !metaJson.includes(mark) && !metaJson.includes('\\')) {
    return prependMembers(metaJson, json);
  }
  const meta: unknown = JSON.parse(metaJson);
  const kept = isObject(meta) ? Object.entries(meta).filter(([key]) => !keys.has(key)) : [];
  return prependMembers(JSON.stringify(Object.fromEntries(kept)), json);
}

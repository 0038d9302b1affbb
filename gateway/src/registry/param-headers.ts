// Which arguments of a tool are told in headers too, read of its schema once.

import type { Caller } from '../mcp/ports.ts';
import { type ParamHeader, readParamHeaders } from '../mcp/stateless/param-headers.ts';
import { viewerOf } from '../mcp/viewer.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';

const none: ParamHeader[] = [];

/** On the request path of the stateless revision. Unknown tools have none: the call itself refuses them. */
export function createParamHeaders(catalog: Pick<Catalog, 'find'>) {
  /** By the entry: one that is written anew is another object. */
  const known = new WeakMap<CatalogEntry, ParamHeader[]>();
  const read = (entry: CatalogEntry | undefined): ParamHeader[] => {
    if (entry === undefined) return none;
    let headers = known.get(entry);
    if (headers === undefined) {
      headers = readParamHeaders(entry.json);
      known.set(entry, headers);
    }
    return headers;
  };
  return (name: string, caller: Pick<Caller, 'serverId' | 'identity'>): ParamHeader[] | Promise<ParamHeader[]> => {
    const found = catalog.find('tools', name, caller.serverId, viewerOf(caller.identity));
    return found instanceof Promise ? found.then(read) : read(found);
  };
}

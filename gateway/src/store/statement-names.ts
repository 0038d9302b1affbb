// Which statements are prepared by name: PostgreSQL then parses and plans each once per connection.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const NAMES_MAX = 200; // a name lasts as long as its connection: bounded, since texts could vary
const TEXTS_COUNTED = 2000;

export type ToName = (text: string) => string | undefined;

/** @param threshold executions of one text from which on it has a name; 0: never. Read at each use. */
export function createStatementNames(threshold: () => number): ToName {
  const names = new Map<string, string>();
  const executions = new LRUCache<string, number>({ max: TEXTS_COUNTED });
  return (text) => {
    const least = threshold();
    if (least === 0) return undefined;
    const known = names.get(text);
    if (known !== undefined) return known;
    const count = (executions.get(text) ?? 0) + 1;
    executions.set(text, count);
    if (count < least || names.size >= NAMES_MAX) return undefined;
    const name = `gw_${createHash('sha1').update(text).digest('hex').slice(0, 24)}`;
    names.set(text, name);
    executions.delete(text);
    return name;
  };
}

// Word of what became wrong, as it goes from process to process.
import { Type } from 'typebox';
import { parse } from '../parse.ts';

const Message = Type.Object({
  /** Who says it: it has dropped them already. */
  from: Type.String(),
  /** Pairs of a cache and a key; null: the whole cache. */
  gone: Type.Array(Type.Tuple([Type.String(), Type.Union([Type.String(), Type.Null()])])),
});

export function toText(from: string, gone: Iterable<readonly [string, Iterable<string | undefined>]>): string {
  const pairs = [...gone].flatMap(([name, keys]) => [...keys].map((key) => [name, key ?? null]));
  return JSON.stringify({ from, gone: pairs });
}

/** What `self` did not say itself. What cannot be read comes from somebody else's program: nothing. */
export function parseInvalidations(text: string, self: string): [name: string, key: string | undefined][] {
  try {
    const { from, gone } = parse(Message, JSON.parse(text), 'invalidation');
    return from === self ? [] : gone.map(([name, key]) => [name, key ?? undefined]);
  } catch {
    return [];
  }
}

// Which content encoding an Accept-Encoding header takes (RFC 9110 §12.5.3).
import * as zlib from 'node:zlib';

export type Encoding = 'br' | 'zstd' | 'gzip';

/** The best first, for clients that like several as much; zstd came with Node 22.15. */
export const offered: readonly Encoding[] = 'zstdCompress' in zlib ? ['br', 'zstd', 'gzip'] : ['br', 'gzip'];

/** What clients send is one of a few texts. */
const known = new Map<string, Encoding | undefined>();
const KNOWN_MAX = 100;

/** @returns undefined: as it is */
export function chooseEncoding(header: string | undefined): Encoding | undefined {
  if (header === undefined || header === '') return undefined;
  if (known.has(header)) return known.get(header);
  const chosen = choose(header);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(header, chosen);
  return chosen;
}

function choose(header: string): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    // x-gzip is gzip (RFC 9110 §8.4.1.3).
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, Number.isFinite(value) ? value : 0);
  }
  let best: Encoding | undefined;
  // Unmentioned, `identity` is taken too, but less than what is named.
  let most = weights.get('identity') ?? 0;
  for (const encoding of offered) {
    const weight = weights.get(encoding) ?? weights.get('*') ?? 0;
    if (weight > most) {
      most = weight;
      best = encoding;
    }
  }
  return best;
}

// Public names, as ContextForge makes them: `fast_time` and `convert_time` become `fast-time-convert-time`.
import { createHash } from 'node:crypto';

/** Lower case; accents go, whatever is neither letter nor digit becomes one `-`. Never empty. */
export function toSlug(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return slug === '' ? createHash('sha256').update(name).digest('hex').slice(0, 8) : slug;
}

/** `wanted`, or with the first number behind it that nobody has; the name given out is added to `taken`. */
export function toUniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}

// Texts within JSON, however deep.

/** The same value with every text replaced but the names of members; the same object when nothing changed. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => mapTexts(item, change));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const before = Object.entries(value);
  const after = before.map(([name, member]): [string, unknown] => [name, mapTexts(member, change)]);
  return after.some(([, member], at) => member !== before[at]?.[1]) ? Object.fromEntries(after) : value;
}

/** Is there a text, or the name of a member, of which this is true? */
export function someText(value: unknown, isWanted: (text: string) => boolean): boolean {
  if (typeof value === 'string') return isWanted(value);
  if (Array.isArray(value)) return value.some((item) => someText(item, isWanted));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => isWanted(name) || someText(member, isWanted));
}

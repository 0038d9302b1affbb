// /proc/pressure/*: how long tasks waited for CPU, memory or disk (kernel 4.20 and later, where it is switched on).

/** Microseconds since boot during which at least one task waited. @throws when the line is missing */
export function parsePressure(text: string): number {
  const total = /^some .*total=(\d+)/m.exec(text)?.[1];
  if (total === undefined) throw new Error(`no line "some … total=" in ${JSON.stringify(text.slice(0, 80))}`);
  return Number(total);
}

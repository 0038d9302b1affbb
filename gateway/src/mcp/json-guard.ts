// Refuses JSON that is nested too deep (what walks it calls itself, and a stack has an end) or that has keys which reach for the
// prototype of objects. A few looks at the text settle it for nearly every body; only a suspect is read whole.

/** What is wrong with the text; undefined: nothing of this kind (it may still be no JSON). */
export function jsonFault(text: string, depthMax: number): string | undefined {
  if (mayBeDeeperThan(text, depthMax) && isDeeperThan(text, depthMax)) {
    return `it is nested more than ${depthMax} levels deep`;
  }
  if (isSuspect(text) && hasPrototypeKey(text))
    return 'it has a key that reaches for a prototype (__proto__, constructor)';
  return undefined;
}

/** Fewer brackets than levels cannot nest that deep. */
function mayBeDeeperThan(text: string, depthMax: number): boolean {
  if (text.length <= depthMax) return false;
  let count = 0;
  for (const bracket of '{[') {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count++;
      if (count > depthMax) return true;
    }
  }
  return false;
}

function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) at = endOfString(text, at);
    else if (code === 123 || code === 91) {
      depth++;
      if (depth > depthMax) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}

/** `from` is the opening quote; answers the closing one's place. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 92) at++;
    else if (code === 34) return at;
  }
  return text.length;
}

/** Letters of a key may be written as escapes. */
function isSuspect(text: string): boolean {
  return (
    text.includes('__proto__') || (text.includes('constructor') && text.includes('prototype')) || text.includes('\\u00')
  );
}

/** The same keys in a string value are somebody's text, and fine. */
function hasPrototypeKey(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false; // whoever parses it will say so
  }
  const waiting = [value];
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (typeof one !== 'object' || one === null) continue;
    if (Object.hasOwn(one, '__proto__')) return true;
    for (const [key, inner] of Object.entries(one)) {
      const isObject = typeof inner === 'object' && inner !== null;
      if (key === 'constructor' && isObject && Object.hasOwn(inner, 'prototype')) return true;
      if (isObject) waiting.push(inner);
    }
  }
  return false;
}

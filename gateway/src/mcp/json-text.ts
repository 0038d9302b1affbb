// Cuts members out of JSON text that JSON.parse has already accepted, so that what a client or an upstream wrote is passed
// on as it stands: no number rounded, no key reordered, nothing serialised twice. Never use it on unchecked text.

/** Where a member's value stands in the text: `text.slice(start, end)`. */
export interface Span {
  start: number;
  end: number;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * The value of member `name` of the object that `text` is.
 * @returns undefined when there is none, or when the text alone cannot tell (a key that is escaped, a key that stands
 * twice): the caller then falls back to the parsed value.
 */
export function findMember(text: string, name: string): Span | undefined {
  const found = locateMember(text, name);
  return typeof found === 'string' ? undefined : found;
}

/** `findMember` for who has to know which of the two it is. */
export function locateMember(text: string, name: string): Span | 'absent' | 'unclear' {
  let found: Span | undefined;
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) return 'unclear';
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyStart = at + 1;
    const keyEnd = skipString(text, at) - 1;
    const isWanted = keyEnd - keyStart === name.length && text.startsWith(name, keyStart);
    if (!isWanted && isEscaped(text, keyStart, keyEnd)) return 'unclear';
    at = skipSpace(text, keyEnd + 1);
    if (text.charCodeAt(at) !== COLON) return 'unclear';
    const start = skipSpace(text, at + 1);
    const end = skipValue(text, start);
    if (isWanted) {
      if (found !== undefined) return 'unclear';
      found = { start, end };
    }
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return found ?? 'absent';
}

/** The object `objectJson` with these members (`"a":1,"b":2`) put first; it must have none of them. */
export function prependMembers(objectJson: string, members: string): string {
  const open = objectJson.indexOf('{') + 1;
  const rest = objectJson.slice(open);
  return `{${members}${/^\s*\}/.test(rest) ? '' : ','}${rest}`;
}

/** The text of member `name`; `value` (the parsed member) is serialised when the text alone cannot tell. */
export function memberText(text: string, name: string, value: unknown): string {
  const span = findMember(text, name);
  return span === undefined ? JSON.stringify(value) : text.slice(span.start, span.end);
}

/** `text` with string member `name` replaced, everything else as it stood. `parsed` is what the text says. */
export function replaceMember(text: string, parsed: object, name: string, value: string): string {
  const span = findMember(text, name);
  if (span === undefined) return JSON.stringify({ ...parsed, [name]: value });
  return `${text.slice(0, span.start)}${JSON.stringify(value)}${text.slice(span.end)}`;
}

/** `replaceMember` in the object that is member `outer`. */
export function replaceInner(text: string, parsed: object, outer: string, name: string, value: string): string {
  const span = findMember(text, outer);
  const inner: unknown = Reflect.get(parsed, outer);
  if (typeof inner !== 'object' || inner === null) return text;
  if (span === undefined) return JSON.stringify({ ...parsed, [outer]: { ...inner, [name]: value } });
  const replaced = replaceMember(text.slice(span.start, span.end), inner, name, value);
  return `${text.slice(0, span.start)}${replaced}${text.slice(span.end)}`;
}

/** The texts of the elements of the array that `text` is. */
export function elementTexts(text: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = skipValue(text, at);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return elements;
}

function isEscaped(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) === BACKSLASH) return true;
  return false;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** `from` is the opening quote; answers the position after the closing one. */
function skipString(text: string, from: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipString(text, from);
  let at = from;
  if (first === OPEN_BRACE || first === OPEN_BRACKET) {
    let depth = 0;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        at = skipString(text, at);
        continue;
      }
      at++;
      if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
      else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return at;
    }
    return at;
  }
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || isSpace(code)) return at;
    at++;
  }
  return at;
}

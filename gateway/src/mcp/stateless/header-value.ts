// Values that do not survive in a header as they are travel in base64, between marks.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding

const PREFIX = '=?base64?';
const SUFFIX = '?=';

/** @returns undefined for what is no header, or one whose encoding is broken: it then agrees with nothing */
export function decodeHeader(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  if (!header.startsWith(PREFIX) || !header.endsWith(SUFFIX)) return header;
  const encoded = header.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer skips what is no base64: only what encodes back to itself was whole.
  if (bytes.toString('base64') !== encoded) return undefined;
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** Printable ASCII without blanks at its ends goes as it is. */
export function encodeHeader(value: string): string {
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value);
  if (isPlain && !(value.startsWith(PREFIX) && value.endsWith(SUFFIX))) return value;
  return `${PREFIX}${Buffer.from(value, 'utf8').toString('base64')}${SUFFIX}`;
}

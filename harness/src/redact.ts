// Removes secrets from what we keep or tell of an answer.

const BEARER = /Bearer\s+[^\s"',]+/gi;
const JWT = /eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;

/** `text` without the token, without anything that looks like a bearer header or a JWT, at most `maxLength` characters. */
export function redact(text: string, token: string, maxLength = 300): string {
  const known = token === '' ? text : text.replaceAll(token, '[token]');
  const clean = known.replace(BEARER, 'Bearer [token]').replace(JWT, '[token]');
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}

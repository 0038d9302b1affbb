// Removes secrets from what we keep or tell of text that others wrote.

const JWT = /eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;
const BEARER = /Bearer\s+[^\s"',]+/gi;
const CREDENTIALS = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const URL_PASSWORD = /(\b[a-z][a-z0-9+]*:\/\/[^\s:/@"']*):[^\s@/"']+@/gi;
const ASSIGNMENT =
  /((?:password|passwd|secret|token|api[_-]?key|authorization|cookie)["']?\s*[:=]\s*["']?)(?!Bearer\b|Basic\b|\[redacted)[^\s"',;}&]{4,}/gi;

/**
 * Of an answer: `text` without the token, without anything that looks like a bearer header or a JWT, at most `maxLength` characters.
 * Its words stay: "invalid token: expired" says what is wrong.
 */
export function redact(text: string, token: string, maxLength = 300): string {
  const known = token === '' ? text : text.replaceAll(token, '[token]');
  const clean = known.replace(BEARER, 'Bearer [token]').replace(JWT, '[token]');
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}

/**
 * Of a log or a statement, where settings are told too: whatever is assigned to a name such as `password` goes as well.
 * @param secrets strings that are known to be secret, removed wherever they stand
 */
export function redactLog(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) if (secret.length >= 8) clean = clean.replaceAll(secret, '[redacted]');
  return clean
    .replace(JWT, '[redacted]')
    .replace(CREDENTIALS, '$1 [redacted]')
    .replace(URL_PASSWORD, '$1:[redacted]@')
    .replace(ASSIGNMENT, '$1[redacted]');
}

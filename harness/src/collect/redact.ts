// Removes what must not be kept from text that others wrote: tokens and passwords.

const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const URL_PASSWORD = /(\b[a-z][a-z0-9+]*:\/\/[^\s:/@"']*):[^\s@/"']+@/gi;
const ASSIGNMENT =
  /((?:password|passwd|secret|token|api[_-]?key|authorization|cookie)["']?\s*[:=]\s*["']?)(?!Bearer\b|Basic\b|\[redacted)[^\s"',;}&]{4,}/gi;

/** @param secrets strings that are known to be secret, removed wherever they stand */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) if (secret.length >= 8) clean = clean.replaceAll(secret, '[redacted]');
  return clean
    .replace(JWT, '[redacted]')
    .replace(BEARER, '$1 [redacted]')
    .replace(URL_PASSWORD, '$1:[redacted]@')
    .replace(ASSIGNMENT, '$1[redacted]');
}

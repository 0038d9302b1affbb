// Takes secrets out of text that leaves the process: logs, and rows that are written down. Only failures and their like are
// logged, so the expressions are no part of the request path.

const HIDDEN = '<hidden>';

const rules: [RegExp, string][] = [
  // A JWT, wherever it stands.
  [/\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, HIDDEN],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${HIDDEN}`],
  // The password of a URL.
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s/@"\\]+@/gi, `$1:${HIDDEN}@`],
  // Members, parameters and headers by their name: "password":"…", api_key=…, X-Api-Key: …
  [
    /((?:password|passwd|secret|token|api[_-]?key|authorization|jwt_secret_key)\\?["']?\s*[:=]\s*\\?["']?)(?!<hidden>)([^\s"'\\,&}]{3,})/gi,
    `$1${HIDDEN}`,
  ],
];

export function redact(text: string): string {
  let safe = text;
  for (const [pattern, replacement] of rules) safe = safe.replace(pattern, replacement);
  return safe;
}

// Takes secrets out of text that leaves the process: logs, and rows that are written down. Only failures and their like are
// logged, so the expressions are no part of the request path. But anybody can make the gateway log a long text: each expression
// looks at a character a bounded number of times, so none may begin anew within what it has just run over.

const HIDDEN = '<hidden>';

const rules: [RegExp, string][] = [
  // A JWT, wherever it stands, with the word that it is part of.
  [/(?<![\w-])(?=[\w-]*eyJ[\w-]{5})[\w-]+\.[\w-]{5,}\.[\w-]*/g, HIDDEN],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${HIDDEN}`],
  // The password of a URL.
  [/(:\/\/[^\s:/@"\\]*):[^\s/@"\\]+@/g, `$1:${HIDDEN}@`],
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

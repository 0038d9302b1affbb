// Which URIs a resource template stands for (RFC 6570, the operators that MCP servers use).

/** A test for URIs of `template`. Variables take one path segment; `{+x}` and `{#x}` take anything; `{?x}` is optional. */
export function createUriMatcher(template: string): (uri: string) => boolean {
  const pattern = template
    .split(/(\{[^{}]*\})/)
    .map((part) => (isExpression(part) ? toPattern(part.slice(1, -1)) : literally(part)))
    .join('');
  const expression = new RegExp(`^${pattern}$`, 'u');
  return (uri) => uri.length <= URI_MAX_LENGTH && expression.test(uri);
}

/** Keeps the time of a match bounded whatever a client sends. */
const URI_MAX_LENGTH = 2048;

function toPattern(expression: string): string {
  switch (expression[0]) {
    case '+':
      return '.+';
    case '#':
      return '(?:#.+)?';
    case '?':
      return '(?:\\?[^#]*)?';
    case '&':
      return '(?:&[^#]*)?';
    case '/':
      return expression.endsWith('*') ? '(?:/[^/?#]+)*' : '/[^/?#]+';
    default:
      return '[^/?#]+';
  }
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function isExpression(part: string): boolean {
  return part.startsWith('{') && part.endsWith('}');
}

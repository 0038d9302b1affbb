// Does a URI come from a URI template (RFC 6570)? A walk over reachable positions, not a regular expression: templates
// come from upstreams, and this is linear in template times URI whatever they say.

/** Longer URIs match no template. */
const MAX_URI_LENGTH = 4_096;

interface Part {
  literal?: string;
  /** Characters that an expression may stand for: simple expansion stops at a slash, reserved does not. */
  stopsAtSlash?: boolean;
  isOptional?: boolean;
}

/** A test for URIs that expand `template`. */
export function createUriMatcher(template: string): (uri: string) => boolean {
  const parts = toParts(template);
  return (uri) => uri.length <= MAX_URI_LENGTH && matches(parts, uri);
}

function toParts(template: string): Part[] {
  const parts: Part[] = [];
  for (const [, literal, operator] of template.matchAll(/([^{]+)|\{([+#./;?&]?)[^}]*\}/g)) {
    if (literal !== undefined) {
      parts.push({ literal });
      continue;
    }
    // Path, label and simple expansion stand for one segment; query, fragment and parameters may be missing altogether.
    if (operator === '/' || operator === '.') parts.push({ literal: operator });
    const isOptional = operator === '?' || operator === '&' || operator === '#' || operator === ';';
    parts.push({ stopsAtSlash: operator !== '+' && !isOptional, isOptional });
  }
  return parts;
}

function matches(parts: Part[], uri: string): boolean {
  let reachable = new Uint8Array(uri.length + 1);
  reachable[0] = 1;
  for (const part of parts) {
    const next = new Uint8Array(uri.length + 1);
    if (part.literal !== undefined) {
      for (let at = 0; at < uri.length; at++) {
        if (reachable[at] === 1 && uri.startsWith(part.literal, at)) next[at + part.literal.length] = 1;
      }
    } else {
      let isInside = false;
      for (let at = 0; at <= uri.length; at++) {
        if (isInside) next[at] = 1;
        if (reachable[at] === 1) {
          isInside = true;
          if (part.isOptional) next[at] = 1;
        }
        if (part.stopsAtSlash && uri[at] === '/') isInside = false;
      }
    }
    reachable = next;
  }
  return reachable[uri.length] === 1;
}

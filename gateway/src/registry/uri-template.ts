// Which URIs a resource template stands for (RFC 6570, the operators that MCP servers use). No regular expression: templates
// and URIs come from outside, and this takes time in proportion to their lengths whatever they are.

/** A piece of a template: fixed text, then (unless `isTaken` is undefined) one or more characters that a variable takes. */
interface Step {
  text: string;
  isTaken: ((character: string) => boolean) | undefined;
  isOptional: boolean;
}

const URI_MAX_LENGTH = 8192;

/** A test for URIs of `template`. `{x}` takes one path segment, `{+x}` anything; `{?x}`, `{&x}`, `{#x}`, `{/x*}` may be missing. */
export function createUriMatcher(template: string): (uri: string) => boolean {
  const steps = template
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== '')
    .map(toStep);
  return (uri) => {
    if (uri.length > URI_MAX_LENGTH) return false;
    let reached = new Uint8Array(uri.length + 1); // 1 where the steps so far may have ended
    reached[0] = 1;
    for (const step of steps) {
      reached = advance(step, uri, reached);
      if (!reached.includes(1)) return false;
    }
    return reached[uri.length] === 1;
  };
}

function toStep(part: string): Step {
  if (!part.startsWith('{')) return { text: part, isTaken: undefined, isOptional: false };
  switch (part[1]) {
    case '+':
      return { text: '', isTaken: () => true, isOptional: false };
    case '#':
      return { text: '#', isTaken: () => true, isOptional: true };
    case '?':
      return { text: '?', isTaken: isQuery, isOptional: true };
    case '&':
      return { text: '&', isTaken: isQuery, isOptional: true };
    case '/':
      return part.endsWith('*}')
        ? { text: '/', isTaken: isPath, isOptional: true }
        : { text: '/', isTaken: isSegment, isOptional: false };
    default:
      return { text: '', isTaken: isSegment, isOptional: false };
  }
}

const isQuery = (character: string) => character !== '#';
const isPath = (character: string) => character !== '?' && character !== '#';
const isSegment = (character: string) => character !== '/' && isPath(character);

function advance(step: Step, uri: string, from: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const to = step.isOptional ? from.slice() : new Uint8Array(from.length);
  let isTaking = false;
  for (let end = step.text.length; end <= uri.length; end += 1) {
    const start = end - step.text.length;
    const isTextHere = from[start] === 1 && uri.startsWith(step.text, start);
    if (step.isTaken === undefined) {
      if (isTextHere) to[end] = 1;
    } else {
      isTaking = (isTaking || isTextHere) && end < uri.length && step.isTaken(uri.charAt(end));
      if (isTaking) to[end + 1] = 1;
    }
  }
  return to;
}

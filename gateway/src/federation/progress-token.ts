// Several requests share one event stream, and their clients choose tokens for progress without knowing of each other: on that
// stream each request has a token of ours.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/progress
import { findMember, memberText } from '../mcp/json-text.ts';
import { isObject } from '../mcp/messages.ts';

export interface OwnToken {
  own: string;
  /** The client's, as it wrote it. */
  clientJson: string;
}

/** @param body a request, as text */
export function toOwnToken(body: string, id: number): { body: string; token: OwnToken | undefined } {
  // Most requests want no progress: not worth reading them for it.
  if (!body.includes('progressToken')) return { body, token: undefined };
  const message: unknown = JSON.parse(body);
  const params = isObject(message) ? message['params'] : undefined;
  const meta = isObject(params) ? params['_meta'] : undefined;
  if (!isObject(params) || !isObject(meta) || meta['progressToken'] === undefined) return { body, token: undefined };
  const own = `gateway-${id}`;
  const paramsText = memberText(body, 'params', params);
  const metaText = memberText(paramsText, '_meta', meta);
  const clientJson = memberText(metaText, 'progressToken', meta['progressToken']);
  const ownMeta = withMember(metaText, 'progressToken', JSON.stringify(own));
  const ownParams = withMember(paramsText, '_meta', ownMeta);
  return { body: withMember(body, 'params', ownParams), token: { own, clientJson } };
}

/** @param text a progress notification with our token; `message` is what it says */
export function fromOwnToken(text: string, message: Record<string, unknown>, clientJson: string): string {
  const paramsText = memberText(text, 'params', message['params']);
  return withMember(text, 'params', withMember(paramsText, 'progressToken', clientJson));
}

/** `text` with the member's value replaced, everything else as it stood. */
function withMember(text: string, name: string, valueJson: string): string {
  const span = findMember(text, name);
  if (span !== undefined) return `${text.slice(0, span.start)}${valueJson}${text.slice(span.end)}`;
  // The text alone could not tell (an escaped key).
  return JSON.stringify({ ...(JSON.parse(text) as object), [name]: JSON.parse(valueJson) as unknown });
}

// What an upstream of the stateless revision says before its answer: notifications that belong to the request. It asks nothing.
import { memberText } from '../mcp/json-text.ts';
import type { ClientPeer } from '../mcp/ports.ts';
import type { Inbox } from './wire.ts';

const LIST_CHANGED = /^notifications\/(tools|resources|prompts)\/list_changed$/;

export class StatelessInbox implements Inbox {
  readonly #listChanged: ((kind: string) => void) | undefined;

  constructor(listChanged: ((kind: string) => void) | undefined) {
    this.#listChanged = listChanged;
  }

  take(message: Record<string, unknown>, text: string, peer: ClientPeer | undefined): undefined {
    const { method, id, params } = message;
    if (typeof method !== 'string' || id !== undefined) return;
    const changed = LIST_CHANGED.exec(method)?.[1];
    if (changed !== undefined) this.#listChanged?.(changed);
    peer?.notify(method, params === undefined ? undefined : memberText(text, 'params', params));
  }
}

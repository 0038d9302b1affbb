// A request that stands alone: its client is reached on the stream of its answer, and nowhere else.
import type { ClientPeer } from '../mcp/ports.ts';
import { RequestCaller } from './caller.ts';

export class StatelessCaller extends RequestCaller {
  readonly #peer: ClientPeer;

  constructor(idJson: string, origin: ConstructorParameters<typeof RequestCaller>[1], peer: ClientPeer) {
    super(idJson, origin);
    this.#peer = peer;
  }

  override get peer(): ClientPeer {
    return this.#peer;
  }
}

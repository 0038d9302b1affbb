// A request that stands alone: its client is reached on the stream of its answer, and nowhere else.
import type { ClientPeer, StatedClient } from '../mcp/ports.ts';
import { RequestCaller } from './caller.ts';

export class StatelessCaller extends RequestCaller {
  readonly stated: StatedClient;
  readonly #peer: ClientPeer;

  constructor(
    idJson: string,
    origin: ConstructorParameters<typeof RequestCaller>[1],
    peer: ClientPeer,
    stated: StatedClient,
  ) {
    super(idJson, origin);
    this.#peer = peer;
    this.stated = stated;
  }

  override get peer(): ClientPeer {
    return this.#peer;
  }
}

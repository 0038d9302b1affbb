// An upstream says that its lists have changed: it is asked again what it offers, once for all of its sessions that were told.

/** They come in a bundle: one per list, and per session that the upstream has with us. */
const QUIET_MS = 100;

/** @param refresh of a gateway, by id */
export function createRefreshChanged(
  refresh: (gatewayId: string) => Promise<unknown>,
  failed: (error: unknown) => void,
): (gatewayId: string) => void {
  const waiting = new Set<string>();
  const running = new Set<string>();

  async function run(gatewayId: string): Promise<void> {
    waiting.delete(gatewayId);
    running.add(gatewayId);
    try {
      await refresh(gatewayId);
    } catch (error) {
      failed(error);
    }
    running.delete(gatewayId);
    if (waiting.has(gatewayId)) plan(gatewayId);
  }

  function plan(gatewayId: string): void {
    setTimeout(() => void run(gatewayId), QUIET_MS).unref();
  }

  return (gatewayId) => {
    if (waiting.has(gatewayId)) return;
    waiting.add(gatewayId);
    // What changes while it is asked is asked for afterwards.
    if (!running.has(gatewayId)) plan(gatewayId);
  };
}

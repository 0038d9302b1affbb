// The end of a server that drops nothing: no new connections, each answer closes its connection and says so, and only what has been
// idle for a while is closed unasked. A close of a connection that is idle for a moment only would meet the next request on its way.
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Load } from './load.ts';

export interface DrainTimes {
  /** How long idle connections are left open, for the request that may be on its way. */
  graceMs: number;
  /** When requests are still running then, they are cut off. */
  deadlineMs: number;
}

export const drainTimes: DrainTimes = { graceMs: 1000, deadlineMs: 25_000 };

const CHECK_MS = 20;

/** Ends when no request is running and no idle connection is left; streams that stand open are left to whoever closes the app. */
export async function drain(
  server: Server,
  load: Load,
  { graceMs, deadlineMs }: DrainTimes = drainTimes,
): Promise<void> {
  const startedAt = performance.now();
  load.isDraining = true;
  // http.Server.close() would close idle connections at once: only the listening ends here.
  if (server.listening) NetServer.prototype.close.call(server);
  for (const session of load.sessions) session.close();
  for (;;) {
    const elapsedMs = performance.now() - startedAt;
    if (load.running === 0 && load.sockets.size + load.carried <= load.standing) return;
    if (elapsedMs >= deadlineMs) return server.closeAllConnections?.();
    if (elapsedMs >= graceMs) {
      server.closeIdleConnections?.();
      if (load.running === 0) return;
    }
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  }
}

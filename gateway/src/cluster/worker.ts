// A worker: its connections and its orders come from the primary.
import cluster from 'node:cluster';
import type { Socket } from 'node:net';
import type { Config } from '../config.ts';
import { type Metrics, snapshotMetrics } from '../metrics.ts';
import { type Gateway, withGateway } from '../serve.ts';
import { BEAT_MS, type Order } from './messages.ts';
import { createNeighbours, report } from './neighbours.ts';

/** Runs until the primary says `drain`, then until what is running has ended. */
export async function runWorker(): Promise<void> {
  // A terminal's Ctrl-C reaches every process of the group: the primary says when.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  const { settings, url, home } = await new Promise<Extract<Order, { type: 'start' }>>((resolve) => {
    process.on('message', function onStart(order: Order) {
      if (order.type !== 'start') return;
      process.off('message', onStart);
      resolve(order);
    });
    report({ type: 'hello' });
  });
  let metrics: Metrics | undefined;
  await withGateway(
    settings,
    (gateway) => {
      metrics = gateway.metrics;
      return serveOrders(gateway, settings.config, url);
    },
    createNeighbours(home),
  );
  if (metrics !== undefined && settings.config.ENABLE_METRICS) {
    report({ type: 'last', snapshot: await snapshotMetrics(metrics) });
  }
  cluster.worker?.disconnect();
  // Whatever still holds the process (a stray timer, a socket of a library) must not keep a replaced worker alive.
  setTimeout(() => process.exit(), EXIT_MS).unref();
}

const EXIT_MS = 2000;

async function serveOrders(
  { app, load, metrics, announce, reconfigure }: Gateway,
  config: Config,
  url: string,
): Promise<string> {
  await app.ready();
  announce(url);
  // Node watches slow heads and idle connections of servers that listen: this one is given its connections.
  app.server.emit('listening');
  const recycleAfter = createRecycling(config, () => load.served);
  process.on('SIGTERM', () => report({ type: 'recycle', reason: 'SIGTERM' }));
  return new Promise((resolve) => {
    const beat = setInterval(() => {
      const { served, running, sockets } = load;
      load.toShed = 0;
      report({ type: 'beat', served, running, connections: sockets.size });
      recycleAfter();
    }, BEAT_MS);
    process.on('message', (order: Order, socket?: Socket) => {
      if (order.type === 'connection') takeConnection(app.server, socket);
      else if (order.type === 'shed') load.toShed = order.count;
      else if (order.type === 'config') {
        reconfigure(order.settings);
        report({ type: 'applied', id: order.id });
      } else if (order.type === 'count') {
        const { id } = order;
        snapshotMetrics(metrics).then((snapshot) => report({ type: 'counted', id, snapshot }));
      } else if (order.type === 'drain') {
        // The beats go on: while it drains, it must not be taken for one that stands still.
        beat.unref();
        resolve('the primary says so');
      }
    });
    report({ type: 'ready' });
  });
}

/** Its client may be gone before it arrives: then there is no socket. */
function takeConnection(server: NodeJS.EventEmitter, socket: Socket | undefined): void {
  if (socket === undefined) return;
  // As http.Server does it for its own: a client may end its side after the request and still wait for the answer.
  socket.allowHalfOpen = true;
  server.emit('connection', socket);
  socket.resume();
}

/** Asks for a successor once, after MAX_REQUESTS and a share of the jitter that is this worker's own. */
export function createRecycling(
  config: Pick<Config, 'MAX_REQUESTS' | 'MAX_REQUESTS_JITTER'>,
  served: () => number,
  tell: typeof report = report,
  share = Math.random(),
): () => void {
  let isAsked = false;
  return () => {
    const limit = config.MAX_REQUESTS + Math.floor(share * config.MAX_REQUESTS_JITTER);
    if (isAsked || config.MAX_REQUESTS === 0 || served() < limit) return;
    isAsked = true;
    tell({ type: 'recycle', reason: `MAX_REQUESTS: ${served()} served` });
  };
}

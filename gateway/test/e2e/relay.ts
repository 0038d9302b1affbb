// A relay before a server of a test: bytes pass until it is told otherwise.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Relay extends AsyncDisposable {
  port: number;
  /** From now on nothing passes, on connections old and new: as a server that hangs. */
  freeze(): void;
  thaw(): void;
  /** Nothing passes on the connections that are open now, and nobody is told: as behind a firewall that forgot them. */
  freezeOpen(): void;
  /** Closes the connections that are open now. */
  cut(): void;
  /** What the server says next is lost, and the connection with it. */
  cutAnswers(): void;
  /** Refuses new connections, and closes the open ones. */
  close(): Promise<void>;
  /** Accepts again, on the same port. */
  open(): Promise<void>;
}

interface Pair {
  client: Socket;
  target: Socket;
  isFrozen: boolean;
}

export async function startRelay(port: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  let isFrozen = false;
  let isCuttingAnswers = false;
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    const pair: Pair = { client, target, isFrozen: false };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      target.destroy();
    };
    client.on('data', (chunk) => {
      if (!isFrozen && !pair.isFrozen) target.write(chunk);
    });
    target.on('data', (chunk) => {
      if (isCuttingAnswers) end();
      else if (!isFrozen && !pair.isFrozen) client.write(chunk);
    });
    for (const socket of [client, target]) socket.on('error', end).on('close', end);
  });
  const listen = async (at: number): Promise<number> => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay has no port');
    return address.port;
  };
  const cut = () => {
    for (const { client, target } of [...pairs]) {
      client.destroy();
      target.destroy();
    }
  };
  const close = async () => {
    server.close();
    cut();
    await once(server, 'close');
  };
  const own = await listen(0);
  return {
    port: own,
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
    },
    freezeOpen: () => {
      for (const pair of pairs) pair.isFrozen = true;
    },
    cut,
    cutAnswers: () => {
      isCuttingAnswers = true;
    },
    close,
    async open() {
      isCuttingAnswers = false;
      await listen(own);
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await close();
    },
  };
}

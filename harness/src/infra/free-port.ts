// Asks the operating system for a free port on loopback, for servers that cannot be told to choose one themselves.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Free a moment ago: whoever uses it must be ready to find it taken and ask again. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

// A port on which no connection is ever completed: a process that was stopped listens there, and its backlog is full.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const script = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  console.log(this.address().port);
})`;
/** A connection on loopback takes far less; one that the kernel drops is tried again after a second. */
const HANGS_AFTER_MS = 300;
const MOST = 32;

export async function startFullListener() {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(String(line));
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  let isFull = false;
  while (!isFull) {
    if (sockets.length === MOST) throw new Error(`the backlog takes ${MOST} connections: it should take two`);
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    isFull = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      setTimeout(resolve, HANGS_AFTER_MS, true);
    });
  }
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

// What idle sessions cost: opens N of them (SSE or WebSocket) against a gateway in a process of its own, over several loopback
// addresses because one has too few ports, and prints the memory that the gateway holds before and after.
//   node dist/bench/idle-sessions.js [sse|websocket] [count]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createToken } from '../src/auth/token.ts';
import { packageFolder } from '../src/version.ts';

const secret = 'a-secret-of-at-least-32-characters!!';
const PER_ADDRESS = 5_000;
const AT_ONCE = 50;
const SETTLE_MS = 3_000;

const transport = process.argv[2] === 'websocket' ? 'websocket' : 'sse';
const count = Number(process.argv[3] ?? 10_000);

const folder = await mkdtemp(join(tmpdir(), 'idle-sessions-'));
const gateway = spawn(process.execPath, [join(packageFolder, 'bin/gateway.js'), 'serve'], {
  env: {
    ...process.env,
    HOST: '0.0.0.0',
    PORT: '0',
    WORKERS: '1',
    LOG_LEVEL: 'error',
    JWT_SECRET_KEY: secret,
    DATABASE_URL: `sqlite:///${join(folder, 'gateway.db')}`,
    MAX_SESSIONS: String(count + 100),
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const sockets: Socket[] = [];
try {
  const { port, pid } = await listening();
  await pause(SETTLE_MS);
  const before = memoryOf(pid);
  const startedAt = performance.now();
  for (let at = 0; at < count; at += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, one) => open(port, at + one)));
  }
  const openSeconds = (performance.now() - startedAt) / 1000;
  await pause(SETTLE_MS);
  const after = memoryOf(pid);
  const figures = {
    transport,
    sessions: sockets.length,
    openSeconds: Math.round(openSeconds * 10) / 10,
    rssBytesBefore: before,
    rssBytesAfter: after,
    bytesPerSession: Math.round((after - before) / sockets.length),
    probeMs: await probe(port),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  for (const socket of sockets) socket.destroy();
  gateway.kill('SIGKILL');
  await once(gateway, 'close');
  await rm(folder, { recursive: true });
}

async function listening(): Promise<{ port: number; pid: number }> {
  if (gateway.stdout === null) throw new Error('the gateway has no standard output');
  for await (const line of createInterface({ input: gateway.stdout })) {
    const { url, pid } = JSON.parse(line) as { url: string; pid: number };
    return { port: Number(new URL(url).port), pid };
  }
  throw new Error('the gateway ended before it listened');
}

/** One session; resolves when its first bytes came. */
async function open(port: number, index: number): Promise<void> {
  const address = `127.0.0.${2 + Math.floor(index / PER_ADDRESS)}`;
  const socket = connect({ host: address, port });
  sockets.push(socket);
  await once(socket, 'connect');
  const upgrade =
    transport === 'websocket'
      ? 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: mcp\r\n'
      : 'accept: text/event-stream\r\n';
  const path = transport === 'websocket' ? '/ws' : '/sse';
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token()}\r\n${upgrade}\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  const status = first.toString('latin1', 0, 15);
  if (!status.includes(' 200') && !status.includes(' 101')) throw new Error(`session ${index}: ${status}`);
  // Keep-alive comments and pings come in and are dropped; pongs are not sent: the run is shorter than two pings.
  socket.resume();
}

/** Every user has a token of his own. */
function token(): string {
  return createToken({ secret, subject: `user-${sockets.length}`, expiresInMinutes: 10 });
}

/** How long /health takes with all of them open. */
function probe(port: number): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/health' }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(Math.round((performance.now() - startedAt) * 10) / 10));
    });
    asked.on('error', reject);
    asked.end();
  });
}

function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

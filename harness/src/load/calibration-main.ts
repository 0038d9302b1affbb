// The process of a calibration server: `calibration-main.js delay|trivial`, its settings as one line on standard input.
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { countRequests, toAnswerBytes } from './bare-http.ts';
import type { FixedAnswer } from './calibration-server.ts';
import type { DelayModel } from './delay-model.ts';

const [kind] = process.argv.slice(2);
const lines = createInterface(process.stdin);

lines.once('line', async (line) => {
  const settings: unknown = JSON.parse(line);
  const delayed = kind === 'delay';
  const answer = toAnswerBytes(
    delayed
      ? { status: 200, headers: { 'content-type': 'application/json' }, body: '{"ok":true}' }
      : (settings as FixedAnswer),
  );
  const clock = delayed ? (await import('./answer-clock.ts')).createAnswerClock(settings as DelayModel) : null;
  const server = createServer({ noDelay: true }, (socket) => {
    const count = countRequests();
    socket.on('data', (chunk: Buffer) => {
      for (let requests = count(chunk); requests > 0; requests--) {
        if (clock === null) socket.write(answer);
        else clock(() => socket.writable && socket.write(answer));
      }
    });
    // A client that goes away is no fault of this server.
    socket.on('error', () => socket.destroy());
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`);
  });
});
// Whoever started it is gone.
lines.once('close', () => process.exit(0));

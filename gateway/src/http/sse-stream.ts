// A server-sent-events answer: taken out of Fastify's hands, kept alive by comments, ended once.
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';

export interface SseStream {
  /** One JSON-RPC message. JSON has no line breaks of its own, so one `data` line holds it. */
  send(json: string): void;
  end(): void;
}

/** @param onKeepAlive called at every keep-alive while the stream is open */
export function startSseStream(
  reply: FastifyReply,
  headers: OutgoingHttpHeaders,
  keepAliveMs: number,
  onKeepAlive?: () => void,
): SseStream {
  reply.hijack();
  const raw = reply.raw;
  raw.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    // nginx would otherwise hold events back.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  const timer = setInterval(() => {
    raw.write(': keep-alive\n\n');
    onKeepAlive?.();
  }, keepAliveMs).unref();
  raw.on('close', () => clearInterval(timer));
  return {
    send(json) {
      if (!raw.writableEnded)
        raw.write(`event: message\ndata: ${json.replaceAll('\n', ' ').replaceAll('\r', ' ')}\n\n`);
    },
    end() {
      clearInterval(timer);
      if (!raw.writableEnded) raw.end();
    },
  };
}

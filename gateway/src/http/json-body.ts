// JSON-RPC bodies reach their route as text: it is spliced into what goes on, and a parse error is JSON-RPC's to tell.
import type { FastifyInstance } from 'fastify';
import type { Answering } from './exchange-ports.ts';
import { readJsonText } from './read-json.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Other content types are refused with 415. Encapsulated: the REST routes keep Fastify's parser. */
export function takeJsonAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, readJsonText(app, body));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Sends text that is JSON already. */
export function sendJson(reply: Answering, status: number, text: string): undefined {
  reply.code(status).header('content-type', JSON_TYPE).send(text);
}

// Forms, as browsers post them, and the addresses that they lead to.
import type { FastifyInstance, FastifyReply } from 'fastify';

const FORM_MAX_BYTES = 256 * 1024;

export type Form = Record<string, string>;

/** A body is an object of texts; of several fields with one name the last one counts. */
export function takeForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_MAX_BYTES },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
}

/** Values that were left empty are not there. */
export function toForm(body: unknown): Form {
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' && value !== '' ? [[name, value]] : [],
    ),
  );
}

/** After a change: the page anew, at an address that no cache knows yet. `told` is shown on it. */
export function backTo(reply: FastifyReply, path: string, told: string): FastifyReply {
  const query = new URLSearchParams({ told, at: Date.now().toString(36) });
  return reply.redirect(`${path}${path.includes('?') ? '&' : '?'}${query}`, 303);
}

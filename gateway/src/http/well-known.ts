// Texts for robots and for people who found a hole: robots.txt (RFC 9309), security.txt (RFC 9116). Open to everybody.
import type { FastifyPluginCallback } from 'fastify';
import type { Config } from '../config.ts';

type WellKnownConfig = Pick<Config, 'WELL_KNOWN_ROBOTS_TXT' | 'WELL_KNOWN_SECURITY_TXT' | 'WELL_KNOWN_CACHE_MAX_AGE'>;

/** RFC 9116 section 2.5.5 wants one. */
const EXPIRES_MS = 180 * 86_400_000;

export const wellKnownRoutes: FastifyPluginCallback<{ config: WellKnownConfig }> = (app, { config }, done) => {
  const serve = (path: string, text: string) => {
    const sent = toText(text);
    app.get(path, (_request, reply) =>
      reply
        .header('cache-control', `public, max-age=${config.WELL_KNOWN_CACHE_MAX_AGE}`)
        .type('text/plain; charset=utf-8')
        .send(sent),
    );
  };
  for (const path of ['/robots.txt', '/.well-known/robots.txt']) serve(path, config.WELL_KNOWN_ROBOTS_TXT);
  const security = config.WELL_KNOWN_SECURITY_TXT;
  if (security !== '') {
    const hasEnd = /^expires:/im.test(security);
    const end = `Expires: ${new Date(Date.now() + EXPIRES_MS).toISOString()}`;
    serve('/.well-known/security.txt', hasEnd ? security : `${security}\n${end}`);
  }
  done();
};

/** Environment files write line breaks as `\n`. */
function toText(text: string): string {
  const lines = text.replaceAll('\\n', '\n');
  return lines.endsWith('\n') ? lines : `${lines}\n`;
}

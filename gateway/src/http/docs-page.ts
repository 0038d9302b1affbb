// The page to read and try the routes at /docs. It is made when somebody first asks for it, as an app of its own that never
// listens: loaded at the start, it would take 7 MB and a tenth of the start of every worker, and most never show it.
import type { StaticDocumentSpec } from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** The gateway's own, but for the styles that the page makes as it goes. */
const policy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><text y="28" fill="#fff" font-family="sans-serif" font-size="24">Gatebench</text></svg>';

export function docsPage(app: FastifyInstance): void {
  let page: Promise<FastifyInstance> | undefined;

  async function show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    page ??= openPage(app.swagger()).catch((error) => {
      page = undefined;
      throw error;
    });
    const { 'if-none-match': known = '' } = request.headers;
    const shown = await (await page).inject({ url: request.url, headers: { 'if-none-match': known } });
    const { 'content-length': _length, connection: _connection, date: _date, ...headers } = shown.headers;
    return reply.code(shown.statusCode).headers(headers).send(shown.rawPayload);
  }

  for (const path of ['/docs', '/docs/*']) app.get(path, { schema: { hide: true } }, show);
  app.addHook('onClose', async () => (await page)?.close());
}

async function openPage(document: object): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  // Its types know OpenAPI up to 3.0; the page takes 3.1 too.
  const specification: StaticDocumentSpec = { document: document as StaticDocumentSpec['document'] };
  const inner = Fastify();
  await inner.register(swagger, { mode: 'static', specification });
  await inner.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'none' },
    staticCSP: policy,
    theme: { title: 'Gatebench gateway' },
    logo: { type: 'image/svg+xml', content: Buffer.from(logo), href: '/docs/' },
  });
  return inner;
}

// What all pages share: the layout, the headers, and how a failure is shown to a person.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errors, GatewayError } from '../../errors.ts';
import { version } from '../../version.ts';
import type { AssetUrls } from './assets.ts';
import type { Render } from './templates.ts';

const nav = [
  { path: '/admin', title: 'Overview' },
  { path: '/admin/registry/tools', title: 'Registry', prefix: '/admin/registry' },
  { path: '/admin/pool', title: 'Sessions and circuits' },
  { path: '/admin/caches', title: 'Caches' },
  { path: '/admin/live', title: 'Live' },
  { path: '/admin/log', title: 'Log' },
  { path: '/admin/memory', title: 'Memory' },
  { path: '/admin/configuration', title: 'Configuration' },
];

/** Nothing but what this gateway serves itself, and no script or style within the page. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export interface PageView {
  title: string;
  /** The scripts it needs. */
  scripts?: string[];
  [member: string]: unknown;
}

export interface Pages {
  assets: AssetUrls;
  /** Renders a template into the layout and sends it. */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    view: PageView,
    status?: number,
  ): Promise<FastifyReply>;
}

export function createPages(render: Render, assets: AssetUrls): Pages {
  return {
    assets,
    async send(request, reply, name, view, status = 200) {
      const path = request.routeOptions.url === undefined ? '' : (request.url.split('?', 1)[0] ?? '');
      const query = new URLSearchParams(request.url.split('?')[1] ?? '');
      const body = await render(name, view);
      const html = await render('layout', {
        title: view.title,
        body,
        assets,
        scripts: view.scripts ?? [],
        version,
        user: request.identity?.sub,
        told: status === 200 ? query.get('told')?.slice(0, 200) : undefined,
        nav: nav.map((item) => ({
          ...item,
          isHere: item.path === path || (item.prefix && path.startsWith(item.prefix)),
        })),
      });
      const isKept = status === 200 && request.identity !== undefined && request.method === 'GET';
      reply.header('content-security-policy', POLICY);
      reply.header('cache-control', isKept ? 'private, max-age=5' : 'no-store');
      addVary(reply, 'Authorization, Cookie');
      return reply.code(status).header('content-type', 'text/html; charset=utf-8').send(html);
    },
  };
}

function addVary(reply: FastifyReply, names: string): void {
  const vary = reply.getHeader('vary');
  reply.header('vary', vary === undefined ? names : `${String(vary)}, ${names}`);
}

/** People who are not known yet are led to the login; other failures are a page that says what can be done. */
export function showFailures(app: FastifyInstance, pages: Pages): void {
  const answerElsewhere = app.errorHandler;
  app.setErrorHandler(async function showFailure(error, request, reply) {
    const wantsPage = request.headers.accept?.includes('text/html') === true;
    if (!(error instanceof GatewayError) || !wantsPage)
      return answerElsewhere.call(app, error as never, request, reply);
    app.log.info({ code: error.code, detail: error.inside }, 'an admin page could not be shown');
    if (error.status === 401) return reply.header('cache-control', 'no-store').redirect('/admin/login', 303);
    const { code, detail, hint, status } = error;
    const view = { title: errors[code].message, code, detail, hint };
    return pages.send(request, reply, 'failure', view, status);
  });
}

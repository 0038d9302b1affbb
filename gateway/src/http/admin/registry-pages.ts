// Lists of the registry with what can be done to their entries, and the registration of an upstream.
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { GatewayError } from '../../errors.ts';
import { type Viewer, viewerOf } from '../../mcp/viewer.ts';
import { readOutside } from '../../registry/body.ts';
import type { Registry } from '../../registry/index.ts';
import type { AdminOptions } from './administration.ts';
import { backTo, toForm } from './forms.ts';
import type { Pages, PageView } from './pages.ts';

const PAGE_SIZE = 25;

const kinds = {
  tools: { title: 'Tools', noun: 'tool', service: 'tools' },
  resources: { title: 'Resources', noun: 'resource', service: 'resources' },
  templates: { title: 'Resource templates', noun: 'resource template', service: 'resourceTemplates' },
  prompts: { title: 'Prompts', noun: 'prompt', service: 'prompts' },
  servers: { title: 'Virtual servers', noun: 'virtual server', service: 'servers' },
  gateways: { title: 'Upstream servers', noun: 'upstream server', service: 'gateways' },
} as const;
type Kind = keyof typeof kinds;

const Params = Type.Object({
  kind: Type.String(),
  id: Type.Optional(Type.String()),
  action: Type.Optional(Type.String()),
});

/** What a list shows of an entry, whatever its kind. */
const Shown = Type.Object({
  id: Type.String(),
  name: Type.Optional(Type.String()),
  uri: Type.Optional(Type.String()),
  uriTemplate: Type.Optional(Type.String()),
  url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  gatewaySlug: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tags: Type.Optional(Type.Array(Type.String())),
  enabled: Type.Optional(Type.Boolean()),
});

const told = { enable: 'enabled', disable: 'disabled', delete: 'deleted', refresh: 'asked again' };

export function registryPages(app: FastifyInstance, pages: Pages, options: AdminOptions): void {
  const { registry } = options;

  app.get('/admin/registry/:kind', async (request, reply) => {
    const kind = kindOf(request.params);
    return pages.send(
      request,
      reply,
      'registry',
      await toView(registry, kind, toForm(request.query), viewerOf(request.identity)),
    );
  });

  app.post('/admin/registry/gateways', async (request, reply) => {
    const { name, url, description, authToken } = toForm(request.body);
    const auth = authToken === undefined ? {} : { authType: 'bearer', authToken };
    await registry.gateways.register(
      {
        name,
        url,
        ...(description === undefined ? {} : { description }),
        ...auth,
      },
      viewerOf(request.identity),
    );
    return backTo(reply, '/admin/registry/gateways', `${name} is registered`);
  });

  app.post('/admin/registry/:kind/:id/:action', async (request, reply) => {
    const kind = kindOf(request.params);
    const { id = '', action = '' } = readOutside(Params, request.params, 'path');
    const { name = id, back } = toForm(request.body);
    await act(registry, kind, id, action, viewerOf(request.identity));
    // Only to a list of ours.
    const path = back?.startsWith(`/admin/registry/${kind}?`) === true ? back : `/admin/registry/${kind}`;
    return backTo(reply, path, `${name} was ${told[action as keyof typeof told]}`);
  });
}

/** @throws GW_NOT_FOUND */
async function act(registry: Registry, kind: Kind, id: string, action: string, viewer: Viewer): Promise<void> {
  const service = registry[kinds[kind].service];
  if (action === 'enable' || action === 'disable') await service.setEnabled(id, action === 'enable', viewer);
  else if (action === 'delete') await service.remove(id, viewer);
  else if (action === 'refresh' && kind === 'gateways') await registry.gateways.refresh(id, viewer);
  else throw new GatewayError('GW_NOT_FOUND', { detail: `nothing is called ${action.slice(0, 40)} here` });
}

function kindOf(params: unknown): Kind {
  const { kind } = readOutside(Params, params, 'path');
  if (isKind(kind)) return kind;
  throw new GatewayError('GW_NOT_FOUND', { detail: `the registry has no ${kind.slice(0, 40)}` });
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kinds, kind);
}

async function toView(
  registry: Registry,
  kind: Kind,
  query: Record<string, string>,
  viewer: Viewer,
): Promise<PageView> {
  const { cursor, tags, gateway_id, state } = query;
  const filter = {
    ...(tags === undefined ? {} : { tags }),
    ...(gateway_id === undefined || kind === 'servers' || kind === 'gateways' ? {} : { gateway_id }),
    ...(state === undefined ? {} : { state }),
  };
  const { items, nextCursor } = await registry[kinds[kind].service].list(
    {
      limit: String(PAGE_SIZE),
      include_inactive: String(state !== 'enabled'),
      ...(filter.tags === undefined ? {} : { tags: filter.tags }),
      ...(filter.gateway_id === undefined ? {} : { gateway_id: filter.gateway_id }),
      ...(cursor === undefined ? {} : { cursor }),
    },
    viewer,
  );
  const hasOwner = kind !== 'servers' && kind !== 'gateways';
  const gateways = hasOwner
    ? (await registry.gateways.list({ limit: '0', include_inactive: 'true' }, viewer)).items
    : [];
  const here = `/admin/registry/${kind}?${new URLSearchParams({ ...filter, ...(cursor === undefined ? {} : { cursor }) })}`;
  return {
    title: kinds[kind].title,
    kind,
    noun: kinds[kind].noun,
    here,
    isTools: kind === 'tools',
    isGateways: kind === 'gateways',
    hasOwner,
    tabs: Object.entries(kinds).map(([path, { title }]) => ({ path, title, isHere: path === kind })),
    filter: { ...filter, isEnabledOnly: state === 'enabled' },
    isFiltered: Object.keys(filter).length > 0,
    gateways: gateways.map((gateway) => {
      const { id, name } = readOutside(Shown, gateway, 'gateway');
      return { id, name, isChosen: id === gateway_id };
    }),
    first: cursor === undefined ? undefined : `/admin/registry/${kind}?${new URLSearchParams(filter)}`,
    next: nextCursor && `/admin/registry/${kind}?${new URLSearchParams({ ...filter, cursor: nextCursor })}`,
    items: items.map((item) => toShown(kind, here, item)),
  };
}

function toShown(kind: Kind, here: string, item: object) {
  const shown = readOutside(Shown, item, 'entry');
  return {
    ...shown,
    kind,
    here,
    isTool: kind === 'tools',
    isGateway: kind === 'gateways',
    path: encodeURIComponent(shown.id),
    name: shown.name ?? shown.uri ?? shown.uriTemplate ?? shown.id,
    detail: shown.uri ?? shown.uriTemplate ?? (kind === 'gateways' ? shown.url : undefined),
    owner: shown.gatewaySlug,
    enabled: shown.enabled !== false,
  };
}

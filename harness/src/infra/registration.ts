// Registers the upstream MCP servers and a virtual server with a gateway through its REST interface (ContextForge's paths),
// and takes everything back.
import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { request } from 'undici';
import { HarnessError } from '../errors.ts';
import { redact } from '../redact.ts';
import type { RunningGateway } from './infrastructure.ts';

const Registered = Type.Object({ id: Type.Union([Type.String(), Type.Number()]), name: Type.Optional(Type.String()) });
const Named = Type.Object({ id: Type.Union([Type.String(), Type.Number()]), name: Type.String() });
const Entry = Type.Object({
  ...Named.properties,
  originalName: Type.Optional(Type.String()),
  uri: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  gatewayId: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
type Entry = Static<typeof Entry>;

/** What was registered. The fast time server's entries by their own names. */
export interface Registration {
  serverId: string;
  toolIds: string[];
  /** The upstream's own name (or URI) → the gateway's public one. */
  tools: Map<string, string>;
  resources: Map<string, string>;
  prompts: Map<string, string>;
  counts: { gateways: number; tools: number };
  /** Deletes virtual servers whose name begins so. Goes on when one fails and throws the first failure at the end. @returns how many */
  removeCreated(prefix: string): Promise<number>;
  /** Deletes everything that was registered, what an interrupted request has registered too. Goes on when one fails, as above. */
  remove(): Promise<void>;
}

const PAGE = 100;
const DEADLINE_MS = 30_000;

/**
 * @param prefix begins every name that is registered, so that what a crashed run left can be told apart
 * @throws TARGET_UNAUTHORIZED, TARGET_NONSENSE, TARGET_DOWN; what was registered until then is removed
 */
export async function register(
  gateway: Pick<RunningGateway, 'url' | 'token'>,
  upstreams: { name: string; url: string }[],
  prefix: string,
  signal: AbortSignal,
): Promise<Registration> {
  const client = createClient(gateway, signal);
  const created: string[] = [];
  const remove = () => removeAll(createClient(gateway), created, prefix);
  try {
    const registering = upstreams.map(async (upstream) => {
      const body = { name: `${prefix}${upstream.name}`, url: `${upstream.url}/mcp`, transport: 'STREAMABLEHTTP' };
      const { id } = await client.send('POST', '/gateways', Registered, body);
      created.unshift(`/gateways/${id}`);
      return String(id);
    });
    // When one fails the others are waited for: what they register has to be removed too.
    await Promise.allSettled(registering);
    const gatewayIds = await Promise.all(registering);
    const [tools, resources, prompts] = await Promise.all([
      client.list('/tools', Entry),
      client.list('/resources', Entry),
      client.list('/prompts', Entry),
    ]);
    const ofFirst = (entries: Entry[]) => entries.filter((entry) => entry.gatewayId === gatewayIds[0]);
    const server = await client.send('POST', '/servers', Registered, {
      server: {
        name: `${prefix}virtual`,
        description: 'the fast time server, composed for a measurement',
        associated_tools: ofFirst(tools).map((entry) => entry.id),
        associated_resources: ofFirst(resources).map((entry) => entry.id),
        associated_prompts: ofFirst(prompts).map((entry) => entry.id),
      },
    });
    created.unshift(`/servers/${server.id}`);
    return {
      serverId: String(server.id),
      toolIds: ofFirst(tools).map((entry) => String(entry.id)),
      tools: toNames(ofFirst(tools)),
      resources: new Map(ofFirst(resources).map((entry) => [entry.uri ?? entry.name, entry.uri ?? entry.name])),
      prompts: toNames(ofFirst(prompts)),
      counts: { gateways: gatewayIds.length, tools: tools.length },
      removeCreated: (namePrefix) => removeNamed(createClient(gateway), '/servers', namePrefix),
      remove,
    };
  } catch (error) {
    await remove().catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
}

function toNames(entries: Entry[]): Map<string, string> {
  return new Map(entries.map((entry) => [entry.originalName ?? entry.name, entry.name]));
}

/** Deletes what lies at `path` under a name that begins so; goes on when one fails. @returns how many there were */
async function removeNamed(client: Client, path: '/gateways' | '/servers', prefix: string): Promise<number> {
  const ours = (await client.list(path, Named)).filter(({ name }) => name.startsWith(prefix));
  const queue = ours.map(({ id }) => `${path}/${id}`);
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop())
        await client.send('DELETE', next, Type.Unknown()).catch((error: unknown) => failures.push(error));
    }),
  );
  if (failures.length > 0) throw failures[0];
  return ours.length;
}

/** Virtual servers before the gateways that they are composed of. */
async function removeAll(client: Client, paths: string[], prefix: string): Promise<void> {
  const failures: unknown[] = [];
  const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => failures.push(error));
  for (const path of paths.splice(0)) await attempt(client.send('DELETE', path, Type.Unknown()));
  // A request that was aborted may have been carried out all the same: then nobody has told its id.
  if (prefix !== '')
    for (const path of ['/servers', '/gateways'] as const) await attempt(removeNamed(client, path, prefix));
  if (failures.length > 0) throw failures[0];
}

interface Client {
  send<S extends TSchema>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    schema: S,
    body?: unknown,
  ): Promise<Static<S>>;
  /** Every page; ends when a page brings nothing new. */
  list<S extends TSchema>(path: string, schema: S): Promise<Static<S>[]>;
}

function createClient(gateway: Pick<RunningGateway, 'url' | 'token'>, signal?: AbortSignal): Client {
  const send: Client['send'] = async (method, path, schema, body) => {
    const answer = await request(`${gateway.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${gateway.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), ...(signal === undefined ? [] : [signal])]),
    }).catch((cause: Error) => {
      if (signal?.aborted) throw new HarnessError('INTERRUPTED', { detail: `${method} ${path}`, cause });
      throw new HarnessError('TARGET_DOWN', { detail: `${method} ${gateway.url}${path}: ${cause.message}`, cause });
    });
    const text = await answer.body.text();
    // Some servers repeat the token that they refuse.
    const seen = `${method} ${path} answered ${answer.statusCode}: ${redact(text, gateway.token)}`;
    if (answer.statusCode === 401 || answer.statusCode === 403)
      throw new HarnessError('TARGET_UNAUTHORIZED', { detail: seen });
    if (answer.statusCode >= 300) throw new HarnessError('TARGET_NONSENSE', { detail: seen });
    const value = text === '' ? null : toJson(text);
    if (!Value.Check(schema, value))
      throw new HarnessError('TARGET_NONSENSE', { detail: `${seen}; expected ${JSON.stringify(schema)}` });
    return value;
  };
  return {
    send,
    async list(path, schema) {
      const all = new Map<unknown, Static<typeof schema>>();
      for (let skip = 0; ; skip += PAGE) {
        const page = await send('GET', `${path}?skip=${skip}&limit=${PAGE}`, Type.Array(schema));
        const before = all.size;
        for (const item of page) all.set((item as { id: unknown }).id, item);
        if (page.length < PAGE || all.size === before) return [...all.values()];
      }
    },
  };
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // the schema check tells what was seen
  }
}

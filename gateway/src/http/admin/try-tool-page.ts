// Calls a tool by hand: a form made from its input schema, the answer below it. The call goes the way of all calls.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { anonymous } from '../../auth/index.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../mcp/ports.ts';
import { RpcError } from '../../mcp/rpc-error.ts';
import { viewerOf } from '../../mcp/viewer.ts';
import { readOutside } from '../../registry/body.ts';
import type { AdminOptions } from './administration.ts';
import { type Form, toForm } from './forms.ts';
import type { Pages } from './pages.ts';

const Params = Type.Object({ id: Type.String() });

const Property = Type.Object({
  type: Type.Optional(Type.Unknown()),
  description: Type.Optional(Type.String()),
  enum: Type.Optional(Type.Array(Type.Unknown())),
  default: Type.Optional(Type.Unknown()),
});
type Property = Static<typeof Property>;

const Tool = Type.Object({
  name: Type.String(),
  description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  inputSchema: Type.Optional(
    Type.Object({
      properties: Type.Optional(Type.Record(Type.String(), Property)),
      required: Type.Optional(Type.Array(Type.String())),
    }),
  ),
});
type Tool = Static<typeof Tool>;

/** Names of arguments are anybody's: a prefix keeps them apart from what the form itself needs. */
const PREFIX = 'arg.';

export function tryToolPage(app: FastifyInstance, pages: Pages, { registry, ports }: AdminOptions): void {
  const read = async (request: FastifyRequest) => {
    const { id } = readOutside(Params, request.params, 'path');
    return { id, tool: readOutside(Tool, await registry.tools.read(id, viewerOf(request.identity)), 'tool') };
  };
  const view = (id: string, tool: Tool, form: Form) => ({
    title: `Try ${tool.name}`,
    action: `/admin/tools/${encodeURIComponent(id)}/try`,
    description: tool.description,
    fields: toFields(tool, form),
  });

  app.get('/admin/tools/:id/try', async (request, reply) => {
    const { id, tool } = await read(request);
    return pages.send(request, reply, 'try', view(id, tool, {}));
  });

  app.post('/admin/tools/:id/try', async (request, reply) => {
    const { id, tool } = await read(request);
    const form = toForm(request.body);
    const params = { name: tool.name, arguments: toArguments(tool, form) };
    const startedAt = performance.now();
    const outcome = await call(tool.name, params, toCaller(request, reply));
    const took = `${(performance.now() - startedAt).toFixed(1)} ms`;
    return pages.send(request, reply, 'try', { ...view(id, tool, form), outcome: { ...outcome, took } });
  });

  async function call(name: string, params: Record<string, unknown>, caller: Caller) {
    try {
      const paramsJson = JSON.stringify(params);
      const forwarded = { kind: 'tools', method: 'tools/call', nameMember: 'name', name, params, paramsJson } as const;
      const answer = await ports.forward(forwarded, caller);
      if (answer === undefined) return { failure: 'It is not among the tools that are served: is it enabled?' };
      if (!answer.ok) return { failure: `${answer.error.code}: ${answer.error.message}` };
      return { isError: answer.isError === true, text: JSON.stringify(JSON.parse(answer.resultJson), undefined, 2) };
    } catch (error) {
      if (error instanceof GatewayError || error instanceof RpcError) return { failure: error.message };
      throw error;
    }
  }
}

/** Nothing of the browser's request goes to the upstream: it holds the cookie. */
function toCaller(request: FastifyRequest, reply: FastifyReply): Caller {
  const gone = new AbortController();
  // Of the answer: the request was read whole before this is called.
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return {
    serverId: undefined,
    signal: gone.signal,
    identity: request.identity ?? anonymous,
    headers: {},
    session: undefined,
    peer: undefined,
  };
}

function toFields({ inputSchema }: Tool, form: Form) {
  return Object.entries(inputSchema?.properties ?? {}).map(([name, property]) => {
    const isRequired = inputSchema?.required?.includes(name) === true;
    const given = form[PREFIX + name] ?? (property.default === undefined ? '' : toText(property.default));
    return {
      field: PREFIX + name,
      name,
      isRequired,
      description: property.description,
      value: given,
      options: property.enum?.map((option) => ({ text: toText(option), isChosen: toText(option) === given })),
      isFlag: property.type === 'boolean',
      isTrue: given === 'true',
      isFalse: given === 'false',
      isNumber: property.type === 'number' || property.type === 'integer',
      step: property.type === 'integer' ? '1' : 'any',
      isJson: isJson(property),
    };
  });
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isJson({ type }: Property): boolean {
  return type !== 'string' && type !== 'boolean' && type !== 'number' && type !== 'integer' && type !== undefined;
}

/** What was left empty is left out. @throws GW_INVALID_REQUEST for what is no JSON where that is wanted */
function toArguments({ inputSchema }: Tool, form: Form): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(inputSchema?.properties ?? {})) {
    const text = form[PREFIX + name];
    if (text === undefined) continue;
    const isText = property.type === 'string' || property.type === undefined;
    Object.defineProperty(given, name, {
      value: isText ? (property.enum?.find((option) => toText(option) === text) ?? text) : fromJson(name, text),
      enumerable: true,
    });
  }
  return given;
}

function fromJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = `${name} must be JSON, got ${JSON.stringify(text.slice(0, 80))}`;
    throw new GatewayError('GW_INVALID_REQUEST', { detail, cause });
  }
}

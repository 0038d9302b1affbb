// A scenario: requests + load + SLOs. One YAML file in scenarios/, its id is the file's name.
import { type Static, Type } from 'typebox';

/** One condition on an answer's JSON body. Its texts are templates, as those of the request are, but draw nothing: `{{id}}`, `{{tool "…"}}`. */
export const Check = Type.Object(
  {
    path: Type.String({ description: 'where in the body, dots between names and indexes: result.content.0.text' }),
    equals: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    contains: Type.Optional(Type.String({ description: 'the value is a text that contains this' })),
    matches: Type.Optional(
      Type.String({ description: 'the value is a text that this regular expression finds; slow on long texts' }),
    ),
    minItems: Type.Optional(
      Type.Integer({ minimum: 0, description: 'the value is an array of at least so many items' }),
    ),
    exists: Type.Optional(Type.Boolean({ description: 'whether there is a value' })),
  },
  { additionalProperties: false },
);
export type Check = Static<typeof Check>;

export const Expect = Type.Object(
  {
    status: Type.Integer({ default: 200, minimum: 100, maximum: 599, description: 'HTTP status' }),
    jsonRpc: Type.Boolean({
      default: false,
      description:
        'the body (plain, or the one event of an SSE answer) is a JSON-RPC result with the id of the request, and result.isError is not true',
    }),
    body: Type.Array(Check, { default: [] }),
  },
  { additionalProperties: false, default: {} },
);
export type Expect = Static<typeof Expect>;

/**
 * A request as written in YAML. `path`, `headers` and the payload are Handlebars templates; what they may name:
 * `{{serverId}}`, `{{tool "convert_time"}}`, `{{resource "…"}}`, `{{prompt "…"}}` (public names at the target) and the seeded generators
 * `{{id}}`, `{{unique}}`, `{{timezone}}`, `{{clockTime}}`, `{{name}}`, `{{unicode N}}`, `{{text N}}`, `{{integer MIN MAX}}`.
 */
export const RequestTemplate = Type.Object(
  {
    name: Type.String({ description: 'stands in error counts' }),
    weight: Type.Number({ default: 1, exclusiveMinimum: 0, description: 'share among the scenario’s requests' }),
    method: Type.Union([Type.Literal('GET'), Type.Literal('POST'), Type.Literal('PUT'), Type.Literal('DELETE')], {
      default: 'POST',
    }),
    path: Type.String(),
    auth: Type.Boolean({ default: true, description: 'send the bearer token' }),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
    payload: Type.Optional(Type.String({ description: 'file below scenarios/payloads/, a template of the body' })),
    expect: Expect,
  },
  { additionalProperties: false },
);
export type RequestTemplate = Static<typeof RequestTemplate>;

export const ScenarioCategory = Type.Enum(['health', 'tools', 'resources', 'prompts', 'servers', 'direct', 'mixed']);
export type ScenarioCategory = Static<typeof ScenarioCategory>;

export const Scenario = Type.Object(
  {
    title: Type.String(),
    description: Type.String(),
    category: ScenarioCategory,
    target: Type.Union([Type.Literal('gateway'), Type.Literal('upstream')], {
      default: 'gateway',
      description: 'upstream: the fast time MCP server itself, without the gateway',
    }),
    pairedWith: Type.Optional(
      Type.String({
        description:
          'id of the scenario that sends the same requests directly; the difference is the gateway’s overhead',
      }),
    ),
    requests: Type.Array(RequestTemplate, { minItems: 1 }),
    unique: Type.Boolean({ default: false, description: 'no request may be sent twice (it creates something)' }),
    creates: Type.Boolean({
      default: false,
      description: 'leaves virtual servers behind, named with {{unique}}; they are removed after the trial',
    }),
    load: Type.Object(
      {
        closed: Type.Boolean({ default: true, description: 'closed loop: how much can it do (autocannon)' }),
        open: Type.Boolean({ default: true, description: 'open loop: what latency do users see at this rate (k6)' }),
        ratePerSecond: Type.Number({
          exclusiveMinimum: 0,
          description: 'the SLO rate, requests per second; a load profile takes its share of it',
        }),
      },
      { additionalProperties: false },
    ),
    slos: Type.Record(Type.String(), Type.Number(), {
      default: {},
      description:
        'metric id (harness/src/metrics.ts) → target in the metric’s unit; the metric says whether it is a maximum or a minimum',
    }),
  },
  { additionalProperties: false },
);
/** A scenario as read, with its id. */
export type Scenario = Static<typeof Scenario> & { id: string };

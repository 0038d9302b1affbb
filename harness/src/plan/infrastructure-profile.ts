// What the load runs against: one YAML file in infra-profiles/. Server profiles (gateway settings) lie in infra-profiles/server/,
// PostgreSQL settings in infra-profiles/postgres/.
import { type Static, Type } from 'typebox';

/** Settings of the gateway by their environment names; checked against the gateway's own schema when they are used. */
export const GatewaySettings = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]));
export type GatewaySettings = Static<typeof GatewaySettings>;

export const ServerProfile = Type.Object(
  { description: Type.String(), settings: GatewaySettings },
  { additionalProperties: false },
);
export type ServerProfile = Static<typeof ServerProfile> & { id: string };

export const PostgresProfile = Type.Object(
  { description: Type.String(), settings: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])) },
  { additionalProperties: false },
);
export type PostgresProfile = Static<typeof PostgresProfile> & { id: string };

export const InfrastructureProfile = Type.Object(
  {
    description: Type.String(),
    kind: Type.Union([Type.Literal('embedded'), Type.Literal('external')], {
      description: 'how it is started: a key of harness/src/infra/index.ts',
    }),
    serverProfile: Type.String({
      default: 'standard',
      description: 'settings of the gateway: a file in infra-profiles/server/',
    }),
    postgres: Type.Object(
      {
        version: Type.String({ default: '17', description: 'major version' }),
        profile: Type.String({ default: 'default', description: 'a file in infra-profiles/postgres/' }),
      },
      { additionalProperties: false, default: {} },
    ),
    upstream: Type.Object(
      {
        servers: Type.Integer({
          default: 10,
          minimum: 1,
          description: 'synthetic MCP servers, beside the fast time server',
        }),
        tools: Type.Integer({ default: 50, minimum: 0 }),
        resources: Type.Integer({ default: 20, minimum: 0 }),
        prompts: Type.Integer({ default: 10, minimum: 0 }),
      },
      { additionalProperties: false, default: {} },
    ),
  },
  { additionalProperties: false },
);
export type InfrastructureProfile = Static<typeof InfrastructureProfile> & { id: string };

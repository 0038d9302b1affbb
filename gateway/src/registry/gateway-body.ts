// The REST bodies of gateways, and the headers that their credentials become.
import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import { audienceProperties } from './audience.ts';
import { readBody } from './body.ts';
import { Tags, toTags } from './tags.ts';

/** No control characters: a header with a line break in it would be a second header (RFC 9110 section 5.5). */
export const HeaderValue = Type.String({ minLength: 1, maxLength: 8192, pattern: '^[\\t\\x20-\\x7e\\x80-\\xff]+$' });
export const HeaderName = Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" });

/** The credentials that a request may name, for gateways and for REST tools. */
export const authProperties = {
  authType: Type.Optional(
    Type.Union([Type.Literal('none'), Type.Literal('basic'), Type.Literal('bearer'), Type.Literal('authheaders')]),
  ),
  authToken: Type.Optional(HeaderValue),
  authUsername: Type.Optional(Type.String({ minLength: 1 })),
  authPassword: Type.Optional(Type.String()),
  authHeaderKey: Type.Optional(HeaderName),
  authHeaderValue: Type.Optional(HeaderValue),
  authHeaders: Type.Optional(Type.Array(Type.Object({ key: HeaderName, value: HeaderValue }))),
};

const GatewayChange = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  url: Type.Optional(Type.String({ maxLength: 2048, pattern: '^https?://' })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  transport: Type.Optional(Type.Union([Type.Literal('STREAMABLEHTTP'), Type.Literal('SSE')])),
  passthroughHeaders: Type.Optional(Type.Array(HeaderName, { maxItems: 50 })),
  tags: Type.Optional(Tags),
  ...audienceProperties,
  ...authProperties,
});
export const GatewayCreate = Type.Intersect([GatewayChange, Type.Object({ name: Type.String(), url: Type.String() })]);

/** A gateway as a request describes it; undefined: not mentioned. */
export interface GatewayRequest {
  name: string | undefined;
  url: string | undefined;
  description: string | undefined;
  auth: { type: string | null; headers: Record<string, string> } | undefined;
  tags: string[] | undefined;
  transport: 'STREAMABLEHTTP' | 'SSE' | undefined;
  passthroughHeaders: string[] | undefined;
}

/** @throws GW_INVALID_REQUEST */
export function parseGatewayCreate(body: unknown): GatewayRequest & { name: string; url: string } {
  const { name, url, ...rest } = readBody(GatewayCreate, body, 'gateway');
  return { name, url: toUrl(url), ...toRest(rest) };
}

/** @throws GW_INVALID_REQUEST */
export function parseGatewayUpdate(body: unknown): GatewayRequest {
  const { name, url, ...rest } = readBody(GatewayChange, body, 'gateway');
  return {
    name,
    url: url === undefined ? undefined : toUrl(url),
    ...toRest(rest),
  };
}

function toRest(given: Omit<Type.Static<typeof GatewayChange>, 'name' | 'url'>): Omit<GatewayRequest, 'name' | 'url'> {
  const { description, transport, passthroughHeaders } = given;
  return { description, auth: toAuth(given), tags: toOptionalTags(given.tags), transport, passthroughHeaders };
}

function toOptionalTags(tags: string[] | undefined): string[] | undefined {
  return tags === undefined ? undefined : toTags(tags);
}

/** @throws GW_INVALID_REQUEST */
export function toUrl(text: string): string {
  if (!URL.canParse(text)) throw invalid('/url', `is not a URL, got ${JSON.stringify(text)}`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw invalid('/url', 'must not hold credentials: use authType');
  return url.href;
}

const AuthRequest = Type.Object(authProperties);
type AuthRequest = Type.Static<typeof AuthRequest>;

const credentials = [
  'authToken',
  'authUsername',
  'authPassword',
  'authHeaderKey',
  'authHeaderValue',
  'authHeaders',
] as const satisfies (keyof AuthRequest)[];

/** @throws GW_INVALID_REQUEST */
export function toAuth(given: AuthRequest): GatewayRequest['auth'] {
  switch (given.authType) {
    case undefined: {
      const lone = credentials.find((name) => given[name] !== undefined);
      if (lone !== undefined) throw invalid('/authType', `must say what ${lone} is for: basic, bearer or authheaders`);
      return undefined;
    }
    case 'none':
      return { type: null, headers: {} };
    case 'bearer':
      return { type: 'bearer', headers: { authorization: `Bearer ${required('authToken', given.authToken)}` } };
    case 'basic': {
      const name = required('authUsername', given.authUsername);
      const encoded = Buffer.from(`${name}:${required('authPassword', given.authPassword)}`).toString('base64');
      return { type: 'basic', headers: { authorization: `Basic ${encoded}` } };
    }
    case 'authheaders':
      return { type: 'authheaders', headers: toHeaders(given) };
  }
}

function toHeaders(given: AuthRequest): Record<string, string> {
  if (given.authHeaders !== undefined) {
    return Object.fromEntries(given.authHeaders.map(({ key, value }) => [key.toLowerCase(), value]));
  }
  const key = required('authHeaderKey', given.authHeaderKey);
  return { [key.toLowerCase()]: required('authHeaderValue', given.authHeaderValue) };
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw invalid(`/${name}`, 'is needed for this authType');
  return value;
}

function invalid(path: string, message: string): GatewayError {
  return new GatewayError('GW_INVALID_REQUEST', { detail: `body ${path} ${message}`, faults: [{ path, message }] });
}

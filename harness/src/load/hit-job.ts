// The options of `hit`, hey's own where it has them, and the load they mean.
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { HarnessError } from '../errors.ts';
import type { PreparedRequest } from './driver.ts';
import { stallCapacity } from './stall-capacity.ts';
import type { WorkerJob } from './worker-job.ts';

export const HIT_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export const HitOptions = Type.Object(
  {
    url: Type.String(),
    requests: Type.Integer({ minimum: 1, default: 200 }),
    connections: Type.Integer({ minimum: 1, default: 50 }),
    durationSeconds: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], { default: null }),
    ratePerSecond: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], { default: null }),
    timeoutSeconds: Type.Number({ exclusiveMinimum: 0, default: 20 }),
    method: Type.String({ default: 'GET' }),
    contentType: Type.Union([Type.String(), Type.Null()], { default: null }),
    headers: Type.Array(Type.String(), { default: [] }),
    bodyFile: Type.Union([Type.String(), Type.Null()], { default: null }),
  },
  { additionalProperties: false },
);
export type HitOptions = Static<typeof HitOptions>;

function usage(detail: string, cause?: unknown): HarnessError {
  return new HarnessError('USAGE', { detail, cause });
}

/** `10s`, `500ms`, `2m`, `1h` → seconds. @throws USAGE */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const seconds = Number(match?.[1]) * ({ ms: 0.001, s: 1, m: 60, h: 3600 }[match?.[2] ?? 's'] ?? Number.NaN);
  if (!(seconds > 0)) throw usage(`a duration is a number with ms, s, m or h, such as 10s, got '${text}'`);
  return seconds;
}

function parseHeader(text: string): [string, string] {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trim().toLowerCase();
  if (colon < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw usage(`a header is 'Name: value', got '${text}'`);
  return [name, text.slice(colon + 1).trim()];
}

function readBody(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw usage(`the body file cannot be read: ${(cause as Error).message}`, cause);
  }
}

export function parseTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw usage(`the URL must begin with http:// or https://, got '${text}'`);
  }
  return url;
}

/** @throws USAGE with what is wrong, before anything is sent */
export function toHitJob(options: HitOptions): WorkerJob {
  const url = parseTarget(options.url);
  const method = options.method.toUpperCase();
  if (!HIT_METHODS.some((known) => known === method)) {
    throw usage(`the method must be one of ${HIT_METHODS.join(', ')}, got '${options.method}'`);
  }
  const headers = Object.fromEntries(options.headers.map(parseHeader));
  if (options.contentType !== null) headers['content-type'] = options.contentType;
  const request: PreparedRequest = {
    name: method,
    method,
    path: `${url.pathname}${url.search}`,
    headers,
    auth: false,
    body: readBody(options.bodyFile),
    rpcId: null,
    expect: { status: 200, jsonRpc: false, body: [] },
  };
  const common = {
    baseUrl: url.origin,
    token: '',
    requests: [request],
    judge: 'success' as const,
    timeoutMs: options.timeoutSeconds * 1000,
    rawFile: null,
    minimumSeconds: 0,
    turnSeconds: null,
    warmup: null,
  };
  const { ratePerSecond, durationSeconds } = options;
  if (ratePerSecond !== null) {
    const seconds = durationSeconds ?? options.requests / ratePerSecond;
    const due = Math.max(1, Math.round(ratePerSecond * seconds));
    const capacity = stallCapacity(ratePerSecond, due);
    return {
      ...common,
      loop: 'open',
      ratePerSecond,
      durationSeconds: seconds,
      requestLimit: due,
      connections: Math.min(options.connections, capacity),
      maxConnections: capacity,
    };
  }
  if (durationSeconds === null && options.requests < options.connections) {
    throw usage(
      `-n ${options.requests} is less than -c ${options.connections}: some connections would have nothing to do`,
    );
  }
  return {
    ...common,
    loop: 'closed',
    ratePerSecond: null,
    // hey's rule: with a duration the number of requests does not count.
    durationSeconds: durationSeconds ?? 86_400,
    requestLimit: durationSeconds === null ? options.requests : Number.MAX_SAFE_INTEGER,
    connections: options.connections,
    maxConnections: options.connections,
  };
}

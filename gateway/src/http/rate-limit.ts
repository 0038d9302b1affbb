// Requests per minute: of a user behind the authentication, of an address where there is none. Counted in this process.

import type { RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

const MINUTE_MS = 60_000;
/** Callers that are remembered; those unused for longest are forgotten first. */
const CALLERS_MAX = 10_000;

/** Answers 429 with Retry-After. @param perMinute read at each request */
export function toRateLimitOptions(
  perMinute: () => number,
  keyOf: (request: FastifyRequest) => string,
): RateLimitPluginOptions {
  return {
    max: perMinute,
    timeWindow: MINUTE_MS,
    cache: CALLERS_MAX,
    keyGenerator: keyOf,
    errorResponseBuilder: (_request, { max, after }) =>
      new GatewayError('GW_TOO_MANY_REQUESTS', { detail: `more than ${max} requests a minute; again in ${after}` }),
  };
}

/** Administration and token management are for people, the rest for programs. */
export function toGuardedRateLimit(config: Config): RateLimitPluginOptions {
  const isHigh = (request: FastifyRequest) => /^\/(admin|tokens|rbac|auth)(\/|\?|$)/.test(request.url);
  const options = toRateLimitOptions(
    () => config.RATE_LIMIT_MEDIUM_RPM,
    (request) => `${isHigh(request) ? 'high' : 'medium'} ${request.identity?.sub ?? request.ip}`,
  );
  return {
    ...options,
    max: (request) => (isHigh(request) ? config.RATE_LIMIT_HIGH_RPM : config.RATE_LIMIT_MEDIUM_RPM),
  };
}

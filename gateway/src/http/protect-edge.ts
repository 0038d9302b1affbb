// The hooks that stand before every route, in their order. What is switched off is not added at all.
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { createCors } from './cors.ts';
import { createRefuseManyHeaders } from './limits.ts';
import { createRefuseForeignHost, createRefuseForeignOrigin } from './origin.ts';
import { createSecurityHeaders } from './security-headers.ts';
import { createValidateInput } from './validate-input.ts';

export function protectEdge(app: FastifyInstance, config: Config): void {
  app.decorate('jsonDepthMax', () => config.VALIDATION_MAX_JSON_DEPTH);
  if (config.SECURITY_HEADERS_ENABLED) app.addHook('onRequest', createSecurityHeaders(config));
  const refuseForeignHost = createRefuseForeignHost(config);
  if (refuseForeignHost !== undefined) app.addHook('onRequest', refuseForeignHost);
  app.addHook('onRequest', createRefuseForeignOrigin(config));
  if (config.CORS_ENABLED) app.addHook('onRequest', createCors(config));
  if (config.HEADER_SIZE_VALIDATION_ENABLED) app.addHook('onRequest', createRefuseManyHeaders(config));
  if (config.VALIDATION_MIDDLEWARE_ENABLED) app.addHook('onRequest', createValidateInput(config));
}

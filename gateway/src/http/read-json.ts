// From the bytes of a JSON body to its text: what no part of the gateway should see ends here, with 400.
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors.ts';
import { jsonFault } from '../mcp/json-guard.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** VALIDATION_MAX_JSON_DEPTH, as it is now. */
    jsonDepthMax?: () => number;
  }
}

/** Where no setting says otherwise. */
const DEPTH_MAX = 100;

/** @throws GW_BODY_REFUSED */
export function readJsonText(app: FastifyInstance, body: Buffer): string {
  if (!isUtf8(body)) throw new GatewayError('GW_BODY_REFUSED', { detail: 'the body is not UTF-8' });
  const text = body.toString();
  const fault = jsonFault(text, app.jsonDepthMax?.() ?? DEPTH_MAX);
  if (fault !== undefined) throw new GatewayError('GW_BODY_REFUSED', { detail: fault });
  return text;
}

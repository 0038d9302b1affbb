// Who is up: /health says that this process answers, /ready that its database does too.
import type { FastifyPluginCallback } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { McpPorts } from '../mcp/ports.ts';
import { latestVersion, supportedVersions } from '../mcp/versions.ts';
import { productInfo } from '../version.ts';
import type { Answering } from './exchange-ports.ts';
import type { FastDoor } from './fast-door.ts';
import { sendJson } from './json-body.ts';

export interface HealthOptions {
  /** One round trip to the database. @throws GW_DATABASE_UNAVAILABLE within two seconds */
  ping: () => Promise<void>;
  failed: McpPorts['failed'];
  /** Takes /health too. */
  fastDoor?: Pick<FastDoor, 'serve'> | undefined;
}

const healthy = '{"status":"healthy"}';
const ready = '{"status":"ready"}';
const versionText = JSON.stringify({
  ...productInfo,
  protocolVersion: latestVersion,
  protocolVersions: supportedVersions,
  node: process.version,
});

export const healthRoutes: FastifyPluginCallback<HealthOptions> = (app, { ping, failed, fastDoor }, done) => {
  const answerHealth = (_request: unknown, reply: Answering) => sendJson(reply, 200, healthy);
  app.get('/health', answerHealth);
  fastDoor?.serve('/health', answerHealth);
  app.get('/version', (_request, reply) => sendJson(reply, 200, versionText));
  app.get('/ready', async (_request, reply) => {
    try {
      await ping();
      sendJson(reply, 200, ready);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      failed('GET /ready', error);
      // The detail is the driver's own text (addresses, names of users): for the log, not for whoever asks without a token.
      const { code, hint } = error;
      sendJson(reply, 503, JSON.stringify({ status: 'not ready', code, hint }));
    }
    return reply;
  });
  done();
};

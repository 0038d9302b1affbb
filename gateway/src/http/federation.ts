// The gateways that this one shares Redis with, and what keeps a request from going round in circles between them.
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import { createRequirePermission } from '../auth/index.ts';
import { GatewayError } from '../errors.ts';
import type { Federation } from '../federation/federation.ts';
import { isLoop, readHops } from '../federation/hops.ts';

export const federationRoutes: FastifyPluginCallback<{ federation: Federation }> = (app, { federation }, done) => {
  const onRequest = createRequirePermission('gateways.read');
  app.get('/federation/peers', { onRequest }, () => ({
    self: { ...federation.self(), isLeader: federation.leadership.isLeader() },
    peers: federation.peers(),
  }));
  done();
};

/** An `onRequest` hook. */
export function createRefuseLoops(federation: Pick<Federation, 'id'>) {
  return function refuseLoop(request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void {
    const hops = readHops(request.headers);
    if (!isLoop(hops, federation.id)) {
      done();
      return;
    }
    done(
      new GatewayError('GW_LOOP', {
        detail: `it came through ${hops.length} gateways: ${hops.join(', ').slice(0, 200)}`,
      }),
    );
  };
}

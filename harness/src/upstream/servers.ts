// Starts all benchmark servers in this process, and stops them together.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { HarnessError } from '../errors.ts';
import { repository } from '../paths.ts';
import { fastTimeParts } from './fast-time/index.ts';
import { createOffer, type Offer } from './offer.ts';
import type { ServersOptions } from './options.ts';
import { createHttpServer, type HttpServer } from './server.ts';
import { createSyntheticParts } from './synthetic/index.ts';

/** One server as it is told to others. `url` has no path: add `/mcp`, `/sse`, `/health`. */
export const RunningServer = Type.Object({ name: Type.String(), url: Type.String() });
export type RunningServer = Static<typeof RunningServer>;

/** The line that the process prints on stdout when every server listens. */
export const ListeningEvent = Type.Object({
  event: Type.Literal('listening'),
  pid: Type.Integer(),
  servers: Type.Array(RunningServer),
});
export type ListeningEvent = Static<typeof ListeningEvent>;

export interface RunningServers extends AsyncDisposable {
  /** `fast_time` first (when asked for), then `benchmark_1`, `benchmark_2`, … */
  servers: RunningServer[];
  /** Ends event streams, lets calls in flight finish for `graceMs`, then closes what is left. May be called again. */
  stop(graceMs?: number): Promise<void>;
}

const defaultGraceMs = 3000;
const host = '127.0.0.1';

/**
 * Resolves when all listen; when one cannot, those that could are stopped again.
 * @param reportFailure told of failures inside a method; the client gets -32603
 * @throws HarnessError PORT_IN_USE, UPSTREAM_FAILED
 */
export async function startServers(
  options: ServersOptions,
  reportFailure: (error: unknown) => void,
): Promise<RunningServers> {
  const offer = createOffer(createSyntheticParts(options), options.pageSize);
  const plans: { name: string; offer: Offer; port: number }[] = [];
  const toPort = (index: number) => (options.startPort === 0 ? 0 : options.startPort + index);
  if (options.fastTime) {
    plans.push({ name: 'fast_time', offer: createOffer(fastTimeParts, options.pageSize), port: toPort(options.count) });
  }
  for (let index = 0; index < options.count; index++) {
    plans.push({ name: `benchmark_${index + 1}`, offer, port: toPort(index) });
  }
  const version = readVersion();
  const started: HttpServer[] = [];
  const stop = async (graceMs = defaultGraceMs) => {
    await Promise.all(started.map((server) => close(server, graceMs)));
  };
  const attempts = await Promise.allSettled(
    plans.map(async ({ name, offer, port }) => {
      const server = createHttpServer({ name, version, offer, reportFailure }, options.bodyLimitBytes);
      const address = await listen(server, name, port);
      started.push(server);
      return { name, url: `http://${host}:${address.port}` };
    }),
  );
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed !== undefined) {
    await stop(0);
    throw failed.reason;
  }
  const servers = attempts.filter((attempt) => attempt.status === 'fulfilled').map((attempt) => attempt.value);
  return { servers, stop, [Symbol.asyncDispose]: () => stop() };
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(repository, 'harness/package.json'), 'utf8'));
  return Value.Parse(Type.Object({ version: Type.String() }), manifest).version;
}

function listen({ http }: HttpServer, name: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const detail = `${name} cannot listen on ${host}:${port} (${error.code ?? error.message})`;
      reject(
        new HarnessError(error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'UPSTREAM_FAILED', { detail, cause: error }),
      );
    });
    http.listen({ port, host, backlog: 4096 }, () => {
      const address = http.address();
      if (address !== null && typeof address === 'object') resolve(address);
      else reject(new HarnessError('UPSTREAM_FAILED', { detail: `${name} has no TCP address` }));
    });
  });
}

function close({ http, endStreams }: HttpServer, graceMs: number): Promise<void> {
  endStreams();
  return new Promise((resolve) => {
    const force = setTimeout(() => http.closeAllConnections(), graceMs);
    // A connection becomes idle when its last call has been answered; kept alive, it would hold the server open.
    const sweep = setInterval(() => http.closeIdleConnections(), 10);
    // An error here only says that it was closed before.
    http.close(() => {
      clearTimeout(force);
      clearInterval(sweep);
      resolve();
    });
  });
}

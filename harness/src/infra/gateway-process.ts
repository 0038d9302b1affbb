// The gateway as built in some folder, run as a process of its own.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { HarnessError } from '../errors.ts';
import { toMessage } from './cleanup-stack.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import type { RunRegistry } from './leftovers.ts';
import { type ManagedProcess, startProcess, waitForListening } from './process.ts';
import { politeLadder } from './stop-ladder.ts';
import { interrupted, waitFor } from './wait.ts';

export interface GatewayRequest {
  /** As messages call it: "the gateway (reference)". */
  name: string;
  /** A checkout whose gateway is built. */
  folder: string;
  /** Settings by their environment names. */
  environment: Record<string, string>;
  cpus: number[];
  logFile: string;
  registry: RunRegistry;
  signal: AbortSignal;
}

export interface GatewayProcess extends AsyncDisposable {
  pid: number;
  /** http://127.0.0.1:43567 */
  url: string;
  /** From the spawn until /ready answered 200. */
  startSeconds: number;
  stop(): Promise<void>;
}

const LISTEN_DEADLINE_MS = 30_000;
const READY_DEADLINE_MS = 15_000;

/** @throws HarnessError GATEWAY_FAILED with the last lines of its log; INTERRUPTED. Nothing is left running then. */
export async function startGateway(wanted: GatewayRequest): Promise<GatewayProcess> {
  const program = join(wanted.folder, 'gateway/bin/gateway.js');
  if (!existsSync(join(wanted.folder, 'gateway/dist')) || !existsSync(program)) {
    throw new HarnessError('GATEWAY_FAILED', {
      detail: `${wanted.name} is not built in ${wanted.folder}/gateway`,
      hint: '`npm run build` builds it',
    });
  }
  const startedAt = performance.now();
  const started = await startProcess({
    ...wanted,
    command: process.execPath,
    args: [program, 'serve'],
    environment: {
      ...inheritedEnvironment(),
      NODE_ENV: 'production',
      ...wanted.environment,
      HOST: '127.0.0.1',
      PORT: '0',
    },
    failure: 'GATEWAY_FAILED',
    ladder: politeLadder,
  });
  try {
    const { url } = await waitForListening(started, { deadlineMs: LISTEN_DEADLINE_MS, signal: wanted.signal });
    if (typeof url !== 'string') throw started.failed('said that it listens, but not where (no "url")');
    for (const path of ['/health', '/ready']) await waitForOk(started, `${url}${path}`, wanted.signal);
    return {
      pid: started.pid,
      url,
      startSeconds: (performance.now() - startedAt) / 1000,
      stop: started.stop,
      [Symbol.asyncDispose]: started.stop,
    };
  } catch (error) {
    await started.stop();
    throw error;
  }
}

async function waitForOk(started: ManagedProcess, url: string, signal: AbortSignal): Promise<void> {
  let seen = 'nothing';
  const isOk = await waitFor(
    'the gateway starts',
    async () => {
      if (started.ending() !== undefined) throw started.failed(`ended before ${url} answered 200`);
      try {
        // reset: no connection of ours stays open in what is measured.
        const answer = await request(url, { signal, headersTimeout: 5_000, bodyTimeout: 5_000, reset: true });
        seen = `${answer.statusCode} ${await answer.body.text()}`;
        return answer.statusCode === 200 ? true : undefined;
      } catch (error) {
        if (signal.aborted) throw interrupted('the gateway starts');
        seen = toMessage(error);
        return undefined;
      }
    },
    { deadlineMs: READY_DEADLINE_MS, intervalMs: 15, signal },
  );
  if (!isOk) throw started.failed(`did not answer ${url} with 200 within ${READY_DEADLINE_MS} ms, but: ${seen}`);
}

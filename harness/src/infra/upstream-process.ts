// The benchmark MCP servers, run as a process of their own.
import { existsSync } from 'node:fs';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { HarnessError } from '../errors.ts';
import { builtFile, repository } from '../paths.ts';
import type { InfrastructureProfile } from '../plan/infrastructure-profile.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import type { RunRegistry } from './leftovers.ts';
import { startProcess, waitForListening } from './process.ts';
import { politeLadder } from './stop-ladder.ts';

const Listening = Type.Object({
  servers: Type.Array(Type.Object({ name: Type.String(), url: Type.String() }), { minItems: 1 }),
});

export interface UpstreamRequest {
  upstream: InfrastructureProfile['upstream'];
  cpus: number[];
  logFile: string;
  registry: RunRegistry;
  signal: AbortSignal;
}

export interface UpstreamProcess extends AsyncDisposable {
  pid: number;
  /** Base addresses, without /mcp; the first is the fast time server. */
  servers: { name: string; url: string }[];
  startSeconds: number;
  stop(): Promise<void>;
}

const LISTEN_DEADLINE_MS = 20_000;

/** @throws HarnessError UPSTREAM_FAILED with the last lines of its output; INTERRUPTED. Nothing is left running then. */
export async function startUpstream({ upstream, ...wanted }: UpstreamRequest): Promise<UpstreamProcess> {
  const program = builtFile('upstream/main.js');
  if (!existsSync(program)) {
    throw new HarnessError('UPSTREAM_FAILED', { detail: `${program} is not built`, hint: '`npm run build` builds it' });
  }
  const { servers, tools, resources, prompts } = upstream;
  const options = { count: servers, 'start-port': 0, tools, resources, prompts };
  const startedAt = performance.now();
  const started = await startProcess({
    ...wanted,
    name: 'the benchmark MCP servers',
    command: process.execPath,
    args: [program, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])],
    environment: { ...inheritedEnvironment(), NODE_ENV: 'production' },
    folder: repository,
    failure: 'UPSTREAM_FAILED',
    ladder: politeLadder,
  });
  try {
    const line = await waitForListening(started, { deadlineMs: LISTEN_DEADLINE_MS, signal: wanted.signal });
    if (!Value.Check(Listening, line)) throw started.failed('said that they listen, but not where (no "servers")');
    return {
      pid: started.pid,
      servers: line.servers.map(({ name, url }) => ({ name, url })),
      startSeconds: (performance.now() - startedAt) / 1000,
      stop: started.stop,
      [Symbol.asyncDispose]: started.stop,
    };
  } catch (error) {
    await started.stop();
    throw error;
  }
}

// A gateway that runs already and was started by nobody here (--target-url). Only the benchmark MCP servers are ours, and
// those only when no --upstream-url names others.
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { HarnessError } from '../errors.ts';
import { ask, checkHealth, checkToken } from './check-gateway.ts';
import { createCleanupStack } from './cleanup-stack.ts';
import type { Infrastructure, InfrastructureRequest, RunningGateway, RunningInfrastructure } from './infrastructure.ts';
import { openRunRegistry, removeLeftovers } from './leftovers.ts';
import { detectPinning } from './pinning.ts';
import { startUpstream } from './upstream-process.ts';

export const external: Infrastructure = { id: 'external', start };

async function start(wanted: InfrastructureRequest, signal: AbortSignal): Promise<RunningInfrastructure> {
  const { target, report } = wanted;
  if (target === undefined) {
    throw new HarnessError('USAGE', {
      detail: 'the infrastructure "external" measures a gateway that runs already, but none was named',
      hint: 'add --target-url URL --token-env NAME',
    });
  }
  const gateway = await checkTarget(target, signal);
  report(`Gateway ${gateway.subject.build} answers at ${gateway.url}`);
  await removeLeftovers(report);
  const pinning = { ...detectPinning(), gateway: [] };
  const common = {
    pinning: { ...pinning, note: `the gateway is not ours to pin; ${pinning.note}` },
    gateways: { current: gateway },
    restartGateway: async () => false,
  };
  const upstreamUrl =
    target.upstreamUrl === undefined
      ? undefined
      : toBaseUrl(target.upstreamUrl.replace(/\/mcp\/?$/, ''), '--upstream-url');
  const registry = openRunRegistry();
  if (upstreamUrl !== undefined) {
    return {
      ...common,
      upstreams: [{ name: 'fast_time', url: upstreamUrl }],
      processes: () => [],
      adopt: registry.adopt,
      [Symbol.asyncDispose]: async () => registry.close(),
    };
  }
  const stack = createCleanupStack();
  stack.add('the record of the run', registry.close);
  try {
    const upstream = await startUpstream({
      upstream: wanted.profile.upstream,
      cpus: pinning.others,
      logFile: join(wanted.runFolder, 'upstream.log'),
      registry,
      signal,
    });
    stack.add('the benchmark MCP servers', upstream.stop);
    report(`${upstream.servers.length} MCP servers ready (${upstream.startSeconds.toFixed(1)} s)`);
    return {
      ...common,
      upstreams: upstream.servers,
      processes: () => [{ role: 'upstream', pid: upstream.pid }],
      adopt: registry.adopt,
      [Symbol.asyncDispose]: stack.stop,
    };
  } catch (error) {
    return await stack.unwind(error);
  }
}

const Version = Type.Object({ version: Type.String(), commit: Type.Optional(Type.String()) });
const App = Type.Object({ app: Type.Object({ version: Type.String() }) });

/**
 * Asks who answers there, and whether the token is good.
 * @throws HarnessError TARGET_DOWN, TARGET_UNAUTHORIZED or TARGET_NONSENSE; INTERRUPTED
 */
async function checkTarget(target: { url: string; token: string }, signal: AbortSignal): Promise<RunningGateway> {
  const url = toBaseUrl(target.url, '--target-url');
  await checkHealth(url, signal);
  await checkToken(url, target.token, signal);
  const version = await ask(`${url}/version`, target.token, signal);
  const settings = {};
  const subject = { name: 'current', serverProfile: 'external', settings, node: null, postgres: null, url } as const;
  return { subject: { ...subject, build: readBuild(version.json) }, url, token: target.token, cpus: [] };
}

/** ContextForge nests its version in `app`. */
function readBuild(version: unknown): string {
  if (Value.Check(Version, version)) return [version.version, version.commit].filter(Boolean).join(' ');
  if (Value.Check(App, version)) return version.app.version;
  return 'of unknown version';
}

/** Without a slash at the end, so that paths can be appended, and without a password. @throws HarnessError USAGE */
function toBaseUrl(text: string, option: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new HarnessError('USAGE', {
      detail: `${option} must be an http or https address, got ${JSON.stringify(text)}`,
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

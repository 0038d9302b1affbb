// A gateway that runs already and was started by nobody here (--target-url). Only the benchmark MCP servers are ours, and
// those only when no --upstream-url names others.
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { request } from 'undici';
import { HarnessError } from '../errors.ts';
import { createCleanupStack, toMessage } from './cleanup-stack.ts';
import type { Infrastructure, InfrastructureRequest, RunningGateway, RunningInfrastructure } from './infrastructure.ts';
import { openRunRegistry, removeLeftovers } from './leftovers.ts';
import { detectPinning } from './pinning.ts';
import { startUpstream } from './upstream-process.ts';
import { interrupted } from './wait.ts';

export const external: Infrastructure = { id: 'external', start };

const DEADLINE_MS = 10_000;

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
  const registry = openRunRegistry();
  if (target.upstreamUrl !== undefined) {
    const url = toBaseUrl(target.upstreamUrl.replace(/\/mcp\/?$/, ''), '--upstream-url');
    return {
      ...common,
      upstreams: [{ name: 'fast_time', url }],
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

const Health = Type.Object({ status: Type.String() });
const Version = Type.Object({ version: Type.String(), commit: Type.Optional(Type.String()) });
const App = Type.Object({ app: Type.Object({ version: Type.String() }) });

/**
 * Asks who answers there, and whether the token is good.
 * @throws HarnessError TARGET_DOWN, TARGET_UNAUTHORIZED or TARGET_NONSENSE; INTERRUPTED
 */
async function checkTarget(target: { url: string; token: string }, signal: AbortSignal): Promise<RunningGateway> {
  const url = toBaseUrl(target.url, '--target-url');
  const ask = (path: string, token?: string) => get(`${url}${path}`, token, signal);

  const health = await ask('/health');
  if (health.status >= 500) throw down(url, `GET /health answered ${health.status}`);
  if (health.status !== 200 || !Value.Check(Health, health.json))
    throw nonsense(url, '/health', health, '{"status":…}');

  // A list that every gateway of this kind has, and that the registration needs anyway.
  const gateways = await ask('/gateways', target.token);
  if (gateways.status === 401 || gateways.status === 403) {
    throw new HarnessError('TARGET_UNAUTHORIZED', {
      detail: `${url}: GET /gateways answered ${gateways.status}`,
    });
  }
  if (gateways.status >= 500) throw down(url, `GET /gateways answered ${gateways.status}`);
  if (gateways.status !== 200 || typeof gateways.json !== 'object' || gateways.json === null) {
    throw nonsense(url, '/gateways', gateways, 'a list');
  }

  const version = await ask('/version', target.token);
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

interface Answer {
  status: number;
  /** Undefined when the body is not JSON. */
  json: unknown;
  text: string;
}

async function get(url: string, token: string | undefined, signal: AbortSignal): Promise<Answer> {
  const headers = { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  try {
    const limits = { headersTimeout: DEADLINE_MS, bodyTimeout: DEADLINE_MS, reset: true };
    const answer = await request(url, { headers, signal, ...limits });
    const body = await answer.body.text();
    // Some servers repeat the token that they refuse.
    const text = token ? body.replaceAll(token, '<token>') : body;
    return { status: answer.statusCode, json: parseJson(text), text };
  } catch (cause) {
    if (signal.aborted) throw interrupted('the target is asked');
    // A server that does not speak HTTP is there, but no gateway.
    const isHttp = !(cause instanceof Error && cause.name === 'HTTPParserError');
    const detail = `${url}: ${toMessage(cause)}`;
    throw new HarnessError(isHttp ? 'TARGET_DOWN' : 'TARGET_NONSENSE', { detail, cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function down(url: string, seen: string): HarnessError {
  return new HarnessError('TARGET_DOWN', { detail: `${url}: ${seen}`, hint: 'look into its log' });
}

function nonsense(url: string, path: string, { status, text }: Answer, expected: string): HarnessError {
  const seen = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return new HarnessError('TARGET_NONSENSE', {
    detail: `${url}: GET ${path} answered ${status} ${JSON.stringify(seen)}, expected 200 and ${expected}`,
  });
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

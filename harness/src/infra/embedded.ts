// Everything started here, on loopback: PostgreSQL, the benchmark MCP servers, one gateway per subject on a database of its own.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Subject } from '../result/result.ts';
import { type CleanupStack, createCleanupStack } from './cleanup-stack.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { toEnvironment } from './gateway-settings.ts';
import type {
  Infrastructure,
  InfrastructureRequest,
  Pinning,
  RunningGateway,
  RunningInfrastructure,
  SubjectRequest,
  WatchedProcess,
} from './infrastructure.ts';
import { openRunRegistry, type RunRegistry, removeLeftovers } from './leftovers.ts';
import { detectPinning } from './pinning.ts';
import { type RunningPostgres, startPostgres } from './postgres.ts';
import { toPostgresSettings } from './postgres-settings.ts';
import { signToken } from './token.ts';
import { startUpstream } from './upstream-process.ts';

export const embedded: Infrastructure = { id: 'embedded', start };

/** What the gateway says of itself, for the report: off by default there. A server profile may switch it off again. */
const watched = { ENABLE_METRICS: 'true', LAYER_TIMINGS_ENABLED: 'true' };

/** What every start of a gateway needs. */
interface Context {
  request: InfrastructureRequest;
  pinning: Pinning;
  registry: RunRegistry;
  postgres: RunningPostgres;
}

/** One subject: what others see of its gateway, and the process behind it. */
interface Runner {
  gateway: RunningGateway;
  process: GatewayProcess;
  /** Starts it anew on the same database. */
  restart(signal: AbortSignal): Promise<void>;
}

async function start(request: InfrastructureRequest, signal: AbortSignal): Promise<RunningInfrastructure> {
  await removeLeftovers(request.report);
  const pinning = detectPinning();
  const registry = openRunRegistry();
  const stack = createCleanupStack();
  stack.add('the record of the run', registry.close);
  try {
    const postgres = await startPostgres({
      version: request.profile.postgres.version,
      settings: toPostgresSettings(request),
      dataFolder: request.runFolder,
      logFile: join(request.runFolder, 'postgres.log'),
      cpus: pinning.others,
      registry,
      signal,
    });
    stack.add('PostgreSQL', postgres.stop);
    request.report(describePostgres(postgres));

    const upstream = await startUpstream({
      upstream: request.profile.upstream,
      cpus: pinning.others,
      logFile: join(request.runFolder, 'upstream.log'),
      registry,
      signal,
    });
    stack.add('the benchmark MCP servers', upstream.stop);
    request.report(`${upstream.servers.length} MCP servers ready (${upstream.startSeconds.toFixed(1)} s)`);

    const runners = new Map<string, Runner>();
    for (const subject of request.subjects) {
      const runner = await startSubject(subject, { request, pinning, registry, postgres }, stack, signal);
      runners.set(subject.name, runner);
      const { url, startSeconds } = runner.process;
      request.report(`Gateway (${subject.name}, ${subject.build}) ready at ${url} (${startSeconds.toFixed(1)} s)`);
    }
    return {
      pinning,
      gateways: Object.fromEntries([...runners].map(([name, { gateway }]) => [name, gateway])),
      upstreams: upstream.servers,
      postgresVersion: postgres.version,
      processes: () => [
        ...[...runners.values()].map(({ gateway, process }): WatchedProcess => {
          return { role: 'gateway', subject: gateway.subject.name, pid: process.pid };
        }),
        { role: 'postgres', pid: postgres.pid },
        { role: 'upstream', pid: upstream.pid },
      ],
      adopt: registry.adopt,
      async restartGateway(name) {
        const runner = runners.get(name);
        if (runner === undefined) return false;
        await runner.restart(signal);
        return true;
      },
      [Symbol.asyncDispose]: stack.stop,
    };
  } catch (error) {
    return await stack.unwind(error);
  }
}

async function startSubject(
  { name, folder, build }: SubjectRequest,
  { request, pinning, registry, postgres }: Context,
  stack: CleanupStack,
  signal: AbortSignal,
): Promise<Runner> {
  const { settings, id } = request.serverProfile;
  const databaseUrl = await postgres.createDatabase(`mcp_${name}`);
  const secret = randomBytes(32).toString('hex');
  const logFile = join(request.runFolder, `gateway.${name}.log`);
  const environment: Record<string, string> = {
    ...watched,
    ...toEnvironment(settings),
    ...request.gatewayEnvironment[name],
  };
  const launch = (until: AbortSignal) =>
    startGateway({
      name: `the gateway (${name})`,
      folder,
      environment: { ...environment, DATABASE_URL: databaseUrl, JWT_SECRET_KEY: secret },
      cpus: pinning.gateway,
      logFile,
      registry,
      signal: until,
    });
  const first = await launch(signal);
  const subject: Subject = {
    name,
    build,
    serverProfile: id,
    settings: { ...watched, ...settings, ...request.gatewayEnvironment[name] },
    node: process.version,
    postgres: postgres.version,
    url: first.url,
  };
  const { JWT_AUDIENCE: audience, JWT_ISSUER: issuer } = environment;
  const token = signToken(secret, Date.now(), { audience, issuer });
  let restarting: Promise<void> = Promise.resolve();
  const runner: Runner = {
    gateway: { subject, url: first.url, token, databaseUrl, logFile, cpus: pinning.gateway },
    process: first,
    restart(until) {
      const restarted = restarting.then(async () => {
        await runner.process.stop();
        runner.process = await launch(until);
        runner.gateway.url = runner.process.url;
        subject.url = runner.process.url;
      });
      // Only waited for: whoever asked for the restart gets its failure.
      restarting = restarted.catch(() => {});
      return restarted;
    },
  };
  stack.add(`the gateway (${name})`, async () => {
    await restarting;
    await runner.process.stop();
  });
  return runner;
}

function describePostgres({ version, port, user, initSeconds, startSeconds }: RunningPostgres): string {
  const whose = user === undefined ? '' : ` as ${user}`;
  return `PostgreSQL ${version} ready on port ${port}${whose} (${(initSeconds + startSeconds).toFixed(1)} s)`;
}

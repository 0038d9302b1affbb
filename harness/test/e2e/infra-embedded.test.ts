import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { embedded } from '../../src/infra/embedded.ts';
import { external } from '../../src/infra/external.ts';
import type { InfrastructureRequest, RunningInfrastructure } from '../../src/infra/infrastructure.ts';
import { removeLeftovers } from '../../src/infra/leftovers.ts';
import { detectPinning, parseCoreList } from '../../src/infra/pinning.ts';
import { repository } from '../../src/paths.ts';
import { readInfrastructureProfile, readPostgresProfile, readServerProfile } from '../../src/plan/read.ts';
import { identifyProcess } from '../../src/process-identity.ts';
import { lineOf, processesMentioning, scratchFolder, startStandIn } from '../infra/processes.ts';

const { signal } = new AbortController();

function openFolder(): string {
  const folder = scratchFolder();
  chmodSync(folder, 0o755);
  return folder;
}

function requestIn(runFolder: string, changes: Partial<InfrastructureRequest> = {}): InfrastructureRequest {
  return {
    profile: { ...readInfrastructureProfile('embedded') },
    serverProfile: readServerProfile('minimal'),
    postgresProfile: readPostgresProfile('default'),
    subjects: [{ name: 'current', folder: repository, build: 'test' }],
    runFolder,
    gatewayEnvironment: {},
    report: () => {},
    ...changes,
  };
}

async function get(url: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await request(url, { headers, reset: true });
  await answer.body.dump();
  return answer.statusCode;
}

function gatewayOf(running: RunningInfrastructure, name: 'current' | 'reference' = 'current') {
  const gateway = running.gateways[name];
  if (gateway === undefined) throw new Error(`there is no gateway ${name}`);
  return gateway;
}

function coresOf(pid: number): number[] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return parseCoreList(/^Cpus_allowed_list:\s*(.+)$/m.exec(status)?.[1] ?? '');
}

describe('the embedded infrastructure', () => {
  it('starts PostgreSQL, eleven MCP servers and a gateway on its own core, restarts it, and leaves nothing', async () => {
    const folder = openFolder();
    const lines: string[] = [];
    const running = await embedded.start(requestIn(folder, { report: (line) => lines.push(line) }), signal);
    const pids = running.processes().map(({ pid }) => pid);
    try {
      const gateway = gatewayOf(running);
      expect(await get(`${gateway.url}/ready`)).toBe(200);
      expect(await get(`${gateway.url}/gateways`)).toBe(401);
      expect(await get(`${gateway.url}/gateways`, gateway.token)).toBe(200);
      expect(running.upstreams).toHaveLength(11);
      expect(running.upstreams[0]?.name).toBe('fast_time');
      for (const { url } of running.upstreams) expect(await get(`${url}/health`)).toBe(200);
      expect(lines.join('\n')).toMatch(/PostgreSQL 17[\s\S]*11 MCP servers[\s\S]*Gateway \(current, test\)/);

      const process = running.processes().find(({ role }) => role === 'gateway');
      if (detectPinning().pinned) expect(coresOf(process?.pid ?? 0)).toEqual(running.pinning.gateway);

      expect(await running.restartGateway('current')).toBe(true);
      expect(running.processes().find(({ role }) => role === 'gateway')?.pid).not.toBe(process?.pid);
      expect(await get(`${gateway.url}/gateways`, gateway.token)).toBe(200);
      expect(await running.restartGateway('reference')).toBe(false);
      pids.push(...running.processes().map(({ pid }) => pid));
    } finally {
      await running[Symbol.asyncDispose]();
    }
    expect(pids.map((pid) => identifyProcess(pid))).toEqual(pids.map(() => undefined));
    expect(readdirSync(folder).sort()).toEqual(['gateway.current.log', 'postgres.log', 'upstream.log']);
  });

  it('runs twice side by side, with two gateways each, and nobody disturbs anybody', async () => {
    const subjects: InfrastructureRequest['subjects'] = [
      { name: 'current', folder: repository, build: 'test' },
      { name: 'reference', folder: repository, build: 'test' },
    ];
    const starting = [openFolder(), openFolder()].map((folder) =>
      embedded.start(requestIn(folder, { subjects }), signal),
    );
    const [one, other] = await Promise.all(starting);
    if (one === undefined || other === undefined) throw new Error('two were started');
    await using first = one;
    const gateways = [first, other].flatMap((running) => [gatewayOf(running), gatewayOf(running, 'reference')]);
    expect(new Set(gateways.map(({ url }) => url)).size).toBe(4);
    expect(new Set(gateways.map(({ databaseUrl }) => databaseUrl)).size).toBe(4);
    expect(await get(`${gatewayOf(first).url}/gateways`, gatewayOf(other).token)).toBe(401);
    await other[Symbol.asyncDispose]();
    expect(await get(`${gatewayOf(first).url}/ready`)).toBe(200);
  });

  it('may hold the gateway that another run measures from outside, with MCP servers of its own', async () => {
    await using ours = await embedded.start(requestIn(openFolder()), signal);
    const { url, token } = gatewayOf(ours);
    const profile = readInfrastructureProfile('external');
    const folder = openFolder();
    const theirs = await external.start(requestIn(folder, { profile, target: { url, token } }), signal);
    expect(theirs.gateways.current).toMatchObject({ url, token, cpus: [] });
    expect(theirs.upstreams).toHaveLength(11);
    expect(theirs.processes().map(({ role }) => role)).toEqual(['upstream']);
    await theirs[Symbol.asyncDispose]();
    expect(theirs.processes().map(({ pid }) => identifyProcess(pid))).toEqual([undefined]);
    expect(await get(`${url}/ready`)).toBe(200);

    const target = { url, token: `${token}x` };
    const refused = external.start(requestIn(folder, { profile, target }), signal);
    await expect(refused).rejects.toMatchObject({ code: 'TARGET_UNAUTHORIZED' });
  });

  it('tells a gateway that does not start with the last lines of its log, and leaves nothing', async () => {
    const folder = openFolder();
    const broken = { current: { NODE_OPTIONS: '--import=data:text/javascript,throw(new(Error)("sabotaged"))' } };
    const starting = embedded.start(requestIn(folder, { gatewayEnvironment: broken }), signal);
    await expect(starting).rejects.toMatchObject({ code: 'GATEWAY_FAILED', exitCode: 3 });
    await expect(starting).rejects.toThrow('sabotaged');
    expect(processesMentioning(folder)).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('gatebench-data-'))).toEqual([]);
  });

  it.each(['starting', 'PostgreSQL', 'MCP servers', 'running'])(
    'leaves nothing when Ctrl-C comes at "%s"',
    async (moment) => {
      const folder = openFolder();
      const child = startStandIn('running-stand-in', [folder]);
      const exited = once(child, 'exit');
      await lineOf(child, moment);
      child.kill('SIGINT');
      const [code] = await exited;
      expect(code).toBe(moment === 'running' ? 0 : 130);
      expect(processesMentioning(folder)).toEqual([]);
      expect(readdirSync(folder).filter((name) => name.startsWith('gatebench-data-'))).toEqual([]);
    },
  );

  it('that was killed is removed by the next run, gateway, servers and PostgreSQL', async () => {
    const folder = openFolder();
    const child = startStandIn('running-stand-in', [folder]);
    const pids: number[] = JSON.parse((await lineOf(child, 'running')).replace('running ', ''));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(pids.map((pid) => identifyProcess(pid) !== undefined)).toEqual([true, true, true]);
    const lines: string[] = [];
    await removeLeftovers((line) => lines.push(line));
    expect(pids.map((pid) => identifyProcess(pid) !== undefined)).toEqual([false, false, false]);
    expect(readdirSync(folder).sort()).toEqual(['gateway.current.log', 'postgres.log', 'upstream.log']);
    expect(readFileSync(join(folder, 'postgres.log'), 'utf8')).toContain('database system is shut down');
    expect(lines.join('\n')).toContain('ended PostgreSQL');
  });
});

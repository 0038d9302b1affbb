import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findFreePort } from '../../src/infra/free-port.ts';
import { type PostgresRequest, startPostgres } from '../../src/infra/postgres.ts';
import { identifyProcess } from '../../src/process-identity.ts';
import { processesMentioning, scratchFolder, testRegistry } from '../infra/processes.ts';

const isRoot = process.getuid?.() === 0;

function requestIn(folder: string, changes: Partial<PostgresRequest> = {}): PostgresRequest {
  return {
    version: '17',
    settings: {},
    dataFolder: folder,
    logFile: join(folder, 'postgres.log'),
    cpus: [],
    registry: testRegistry(folder),
    signal: new AbortController().signal,
    ...changes,
  };
}

/** A folder that the server's user can enter. */
function openFolder(): string {
  const folder = scratchFolder();
  chmodSync(folder, 0o755);
  return folder;
}

async function ask(connectionString: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

const setting = async (url: string, name: string) => (await ask(url, `SHOW ${name}`))[0];

describe('embedded PostgreSQL', () => {
  it('serves a database with what the collectors read, safely, on loopback only', async () => {
    const folder = openFolder();
    await using server = await startPostgres(requestIn(folder));
    const url = await server.createDatabase('mcp_current');
    expect(server.version).toMatch(/^17\./);
    expect(await setting(url, 'shared_preload_libraries')).toBe('pg_stat_statements,auto_explain');
    expect(await setting(url, 'track_io_timing')).toBe('on');
    expect(await setting(url, 'pg_stat_statements.track')).toBe('all');
    expect(await setting(url, 'fsync')).toBe('on');
    expect(await setting(url, 'listen_addresses')).toBe('127.0.0.1');
    expect(await ask(url, 'SELECT count(*) > 0 FROM pg_stat_statements')).toEqual([true]);
  });

  it('asks everybody for the password', async () => {
    await using server = await startPostgres(requestIn(openFolder()));
    const connecting = ask(`postgresql://postgres:wrong@127.0.0.1:${server.port}/postgres`, 'SELECT 1');
    await expect(connecting).rejects.toMatchObject({ code: '28P01' });
  });

  it('writes the plan of a slow statement into its log', async () => {
    const folder = openFolder();
    await using server = await startPostgres(requestIn(folder));
    await ask(await server.createDatabase('slow'), 'SELECT pg_sleep(0.4)');
    expect(readFileSync(join(folder, 'postgres.log'), 'utf8')).toMatch(/Query Text: SELECT pg_sleep[\s\S]*Result/);
  });

  it('takes the settings of its profile, but not its port from it', async () => {
    const settings = { work_mem: '10MB', random_page_cost: 1.1, port: 1 };
    await using server = await startPostgres(requestIn(openFolder(), { settings }));
    const url = await server.createDatabase('tuned');
    expect(await setting(url, 'work_mem')).toBe('10MB');
    expect(await setting(url, 'random_page_cost')).toBe('1.1');
    expect(server.port).not.toBe(1);
  });

  it('runs as somebody else than root, below a folder that only we can enter too', async () => {
    const folder = join(openFolder(), 'private');
    mkdirSync(folder, { mode: 0o700 });
    await using server = await startPostgres(requestIn(folder));
    expect(server.user === undefined).toBe(!isRoot);
    const owner = statSync(`/proc/${server.pid}`).uid;
    expect(owner).not.toBe(0);
    expect(owner).toBe(isRoot ? statSync(server.dataFolder).uid : process.getuid?.());
    expect(server.dataFolder.startsWith(folder)).toBe(!isRoot);
  });

  it('is stopped in order and leaves neither process nor data', async () => {
    const folder = openFolder();
    const server = await startPostgres(requestIn(folder));
    await server.createDatabase('some');
    await server.stop();
    expect(identifyProcess(server.pid)).toBeUndefined();
    expect(existsSync(server.dataFolder)).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(['postgres.log', 'runs']);
    expect(readFileSync(join(folder, 'postgres.log'), 'utf8')).toContain('database system is shut down');
  });

  it('with a setting that it refuses is a clear error with the last lines of its log, and leaves nothing', async () => {
    const folder = openFolder();
    const starting = startPostgres(requestIn(folder, { settings: { shared_buffers: 'plenty' } }));
    await expect(starting).rejects.toMatchObject({ code: 'POSTGRES_FAILED', exitCode: 3 });
    await expect(starting).rejects.toThrow(/invalid value for parameter "shared_buffers": "plenty"/);
    expect(readdirSync(folder).filter((name) => name.startsWith('gatebench-data-'))).toEqual([]);
    expect(processesMentioning(folder)).toEqual([]);
  });

  it('goes to another port when somebody was faster at the first, and gives up when that happens again and again', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await once(squatter, 'listening');
    const { port: taken } = squatter.address() as AddressInfo;
    const offers = [taken];
    const findPort = async () => offers.shift() ?? findFreePort();
    await using server = await startPostgres(requestIn(openFolder(), { findPort }));
    expect(server.port).not.toBe(taken);

    const folder = openFolder();
    const starting = startPostgres(requestIn(folder, { findPort: async () => taken }));
    await expect(starting).rejects.toMatchObject({ code: 'PORT_IN_USE', exitCode: 3 });
    expect(processesMentioning(folder)).toEqual([]);
  });

  it('is interrupted at any moment of its start without leaving anything', async () => {
    for (const afterMs of [0, 200, 700]) {
      const folder = openFolder();
      const starting = startPostgres(requestIn(folder, { signal: AbortSignal.timeout(afterMs) }));
      const end = await starting.catch((error: unknown) => error);
      // Too late to interrupt it: then it runs, and is stopped.
      if (!(end instanceof Error)) await (await starting).stop();
      else expect(end).toMatchObject({ code: 'INTERRUPTED' });
      expect(processesMentioning(folder)).toEqual([]);
      expect(readdirSync(folder).filter((name) => name.startsWith('gatebench-data-'))).toEqual([]);
    }
  });
});

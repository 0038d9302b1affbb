import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRunRegistry, removeLeftovers } from '../../src/infra/leftovers.ts';
import { startProcess } from '../../src/infra/process.ts';
import { isGroupAlive, type ProcessIdentity } from '../../src/process-identity.ts';
import { areRunning, lineOf, nodeRequest, scratchFolder, startStandIn } from './processes.ts';

async function leaveSomething(folder: string) {
  const child = startStandIn('leaving-stand-in', [folder]);
  const line = await lineOf(child, 'identities');
  return { child, ...(JSON.parse(line) as { identities: ProcessIdentity[]; dataFolder: string }) };
}

describe('what a SIGKILLed run left', () => {
  it('is ended and removed by the next one, which says so', async () => {
    const folder = scratchFolder();
    const { child, identities, dataFolder } = await leaveSomething(folder);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(areRunning(identities)).toEqual([true, true]);

    const lines: string[] = [];
    await removeLeftovers((line) => lines.push(line), join(folder, 'runs'));
    expect(areRunning(identities)).toEqual([false, false]);
    expect(identities.map(({ pid }) => isGroupAlive(pid))).toEqual([false, false]);
    expect(existsSync(dataFolder)).toBe(false);
    expect(readdirSync(join(folder, 'runs'))).toEqual([]);
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).toContain(`left by an earlier run (pid ${child.pid})`);
  });

  it('is left alone as long as its owner lives', async () => {
    const folder = scratchFolder();
    const { child, identities, dataFolder } = await leaveSomething(folder);
    const lines: string[] = [];
    await removeLeftovers((line) => lines.push(line), join(folder, 'runs'));
    expect(areRunning(identities)).toEqual([true, true]);
    expect(existsSync(dataFolder)).toBe(true);
    expect(lines).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await removeLeftovers(() => {}, join(folder, 'runs'));
    expect(areRunning(identities)).toEqual([false, false]);
  });

  it('never costs the life of a process that was given the same pid, nor a folder of somebody else', async () => {
    const folder = scratchFolder();
    const runs = join(folder, 'runs');
    const precious = join(folder, 'precious');
    mkdirSync(precious);
    await using bystander = await startProcess(nodeRequest('setInterval(() => {}, 1000)', scratchFolder()));
    const registry = openRunRegistry(runs);
    registry.addProcess('a part', { pid: bystander.pid, startedAt: '1' }, [
      { signal: 'SIGKILL', to: 'group', deadlineMs: 100 },
    ]);
    registry.addFolder(precious);
    disown(runs);
    await removeLeftovers(() => {}, runs);
    expect(bystander.ending()).toBeUndefined();
    expect(existsSync(precious)).toBe(true);
  });

  it('of another container is left to that container', async () => {
    const folder = scratchFolder();
    const runs = join(folder, 'runs');
    openRunRegistry(runs);
    disown(runs, { pidNamespace: 'pid:[1]' });
    await removeLeftovers(() => {}, runs);
    expect(readdirSync(runs)).toHaveLength(1);
  });

  it('is told when its record cannot be read', async () => {
    const runs = scratchFolder();
    writeFileSync(join(runs, '1-1.json'), '{"owner":');
    const lines: string[] = [];
    await removeLeftovers((line) => lines.push(line), runs);
    expect(lines.join()).toContain('cannot be read and is left alone');
  });
});

describe('the record of a run', () => {
  it('is gone when everything in it was stopped, and stays when something was not', () => {
    const runs = join(scratchFolder(), 'runs');
    const first = openRunRegistry(runs);
    const forget = first.addFolder(join(scratchFolder(), 'gatebench-data-x'));
    first.close();
    expect(readdirSync(runs)).toHaveLength(1);
    forget();
    first.close();
    expect(readdirSync(runs)).toEqual([]);
  });
});

/** Makes the records of this process those of one that is gone. */
function disown(runs: string, changes: object = {}): void {
  for (const name of readdirSync(runs)) {
    const record = JSON.parse(readFileSync(join(runs, name), 'utf8'));
    writeFileSync(join(runs, name), JSON.stringify({ ...record, owner: { pid: 1, startedAt: '-1' }, ...changes }));
  }
}

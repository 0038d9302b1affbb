import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Value } from 'typebox/value';
import { afterEach, describe, expect, it } from 'vitest';
import { ProcessesArtifact, processes } from '../../src/collect/processes.ts';
import { diffUsage, readUsage } from '../../src/collect/usage.ts';
import { contextOf, trialOf } from './context.ts';

const children: ChildProcess[] = [];

/** A real process; ready when it has written its first line. */
async function start(script: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', `${script}\nconsole.log('ready')`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('the process has no pid');
  return Object.assign(child, { pid: child.pid });
}

/** Says how much CPU it used itself since the last line that it was sent. */
const BURNER = `
  let before = process.cpuUsage();
  process.stdin.on('data', (line) => {
    const used = () => { const { user, system } = process.cpuUsage(before); return (user + system) / 1000; };
    const from = used();
    while (used() - from < Number(line));
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    console.log(String((user + system) / 1e6));
  });`;

async function burn(child: ChildProcess, milliseconds: number): Promise<number> {
  child.stdin?.write(`${milliseconds}\n`);
  if (child.stdout === null) throw new Error('no output to read');
  const [line] = await once(child.stdout, 'data');
  return Number(line);
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

describe.skipIf(process.platform !== 'linux')('usage of real processes (needs Linux: /proc)', () => {
  it('is what the processes themselves say they used, to the millisecond', async () => {
    const [one, two] = [await start(BURNER), await start(BURNER)];
    await burn(one, 5);
    await burn(two, 5);
    const before = await readUsage([one.pid, two.pid]);
    const [first, second] = await Promise.all([burn(one, 60), burn(two, 25)]);
    const usage = diffUsage(before, await readUsage([one.pid, two.pid]));
    expect(usage?.cpuSource).toBe('schedstat');
    expect(usage?.cpuSeconds).toBeGreaterThan((first + second) * 0.93 - 0.004);
    expect(usage?.cpuSeconds).toBeLessThan((first + second) * 1.07 + 0.006);
    expect(usage?.rssBytes).toBeGreaterThan(40e6);
    expect(usage?.stealPercent).not.toBeNull();
  });

  it('counts the threads of a pool too', async () => {
    const child = await start(`
      const { pbkdf2 } = require('node:crypto');
      process.stdin.on('data', () => pbkdf2('a', 'b', 60000, 64, 'sha512', () => console.log('done')));`);
    await burn(child, 0);
    const before = await readUsage([child.pid]);
    await burn(child, 0);
    expect(diffUsage(before, await readUsage([child.pid]))?.cpuSeconds).toBeGreaterThan(0.01);
  });

  it('falls back to ticks, and says so, when a thread has ended in between', async () => {
    const child = await start(`
      const { Worker } = require('node:worker_threads');
      const source = 'require("node:worker_threads").parentPort.once("message", () => { const used = () => { const { user, system } = process.cpuUsage(); return user + system; }; const from = used(); while (used() - from < 150000); process.exit() })';
      const worker = new Worker(source, { eval: true });
      process.stdin.on('data', () => { worker.postMessage(1); worker.once('exit', () => console.log('done')); });
      worker.once('online', () => {});`);
    await sleep(100);
    const before = await readUsage([child.pid]);
    await burn(child, 0);
    const usage = diffUsage(before, await readUsage([child.pid]));
    expect(usage?.cpuSource).toBe('stat');
    expect(usage?.cpuSeconds).toBeGreaterThan(0.04);
  });

  it('is null when a process has ended, and when there is none', async () => {
    const child = await start(BURNER);
    const before = await readUsage([child.pid]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(diffUsage(before, await readUsage([child.pid]))).toBeNull();
    expect(diffUsage(await readUsage([]), await readUsage([]))).toBeNull();
  });
});

describe.skipIf(process.platform !== 'linux')('the processes collector (needs Linux: /proc)', () => {
  it('tells CPU, memory, threads and descriptors by role, children included', async () => {
    const gateway = await start(BURNER);
    const reference = await start(BURNER);
    const parent = await start(`
      const { spawn } = require('node:child_process');
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); process.on("disconnect", () => process.exit())'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      setInterval(() => {}, 1000);`);
    const context = contextOf({
      gateways: { current: {}, reference: {} },
      processes: () => [
        { role: 'gateway', subject: 'current', pid: gateway.pid },
        { role: 'gateway', subject: 'reference', pid: reference.pid },
        { role: 'postgres', pid: parent.pid },
      ],
      loadPids: new Set([process.pid]),
    });
    await using session = await processes.start(context);
    expect(session.columns.map(({ name }) => name)).toContain('gateway.reference_cpu_percent');
    const end = await session.watchTrial?.(trialOf('reference'));
    const startedAt = performance.now();
    const usedSeconds = await burn(reference, 200);
    const sample = await session.sample?.(0);
    // Ticks of 10 ms, and a share of the wall time, which a busy machine makes longer.
    const percent = (100_000 * usedSeconds) / (performance.now() - startedAt);
    expect(sample?.['gateway.reference_cpu_percent']).toBeGreaterThan(percent * 0.8 - 2);
    expect(sample?.['gateway.reference_cpu_percent']).toBeLessThan(percent * 1.4 + 10);
    expect(sample?.['gateway.current_cpu_percent']).toBeLessThan(percent / 2);
    expect(sample?.['load_rss_bytes']).toBeGreaterThan(20e6);
    const artifact: unknown = await end?.();
    const { groups } = Value.Parse(ProcessesArtifact, artifact);
    expect(groups['gateway']).toMatchObject({ pids: [reference.pid] });
    expect(groups['gateway']?.cpuPercent).toBeGreaterThan(0);
    expect(groups['gateway']?.descriptors).toBeGreaterThan(5);
    expect(groups['postgres']?.pids).toHaveLength(2);
    // Not the generator: its trial's has ended by then, and the other build's is none of its business.
    expect(Object.keys(groups).sort()).toEqual(['gateway', 'postgres']);
  });
});

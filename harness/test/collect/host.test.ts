import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { HostArtifact, host, toValues } from '../../src/collect/host.ts';
import { MOST_LISTED_SOCKETS, readHost } from '../../src/collect/proc/host.ts';
import { contextOf, trialOf } from './context.ts';

const isLinux = process.platform === 'linux';

/** Tests beside us may leave thousands of sockets in TIME_WAIT: then they are not listed, as told. */
function isListed(values: Record<string, number>): boolean {
  return (values['sockets_in_use'] ?? 0) + (values['sockets_time_wait'] ?? 0) <= MOST_LISTED_SOCKETS;
}

describe('the host collector', () => {
  it('tells CPU, memory and load on every system', async () => {
    await using session = await host.start(contextOf({}));
    const end = await session.watchTrial?.(trialOf('current'));
    const before = process.cpuUsage();
    const usedMicroseconds = () => {
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    while (usedMicroseconds() < 100_000);
    const { values } = Value.Parse(HostArtifact, await end?.());
    expect(values['cpu_percent']).toBeGreaterThan(1);
    expect(values['cpu_percent']).toBeLessThanOrEqual(100);
    expect(values['cpu0_percent']).toBeDefined();
    expect(values['memory_used_bytes']).toBeGreaterThan(1e7);
    const known = session.columns.map(({ name }) => name);
    expect(Object.keys(values).filter((name) => !known.includes(name))).toEqual([]);
  });

  it.skipIf(!isLinux)('sees loopback traffic and connections by state (needs Linux: /proc)', async () => {
    await using session = await host.start(contextOf({}));
    const server = createServer((socket) => socket.resume().on('error', () => socket.destroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const end = await session.watchTrial?.(trialOf('current'));
    const startedAt = performance.now();
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    await new Promise((resolve) => client.write(Buffer.alloc(4_000_000), resolve));
    const { values } = Value.Parse(HostArtifact, await end?.());
    const seconds = (performance.now() - startedAt) / 1000;
    client.destroy();
    server.close();
    await once(server, 'close');
    expect(values['loopback_bytes_per_second']).toBeGreaterThan((0.9 * 4_000_000) / (seconds + 0.05));
    if (isListed(values)) {
      expect(values['sockets_state_established']).toBeGreaterThanOrEqual(2);
      expect(values['sockets_state_listen']).toBeGreaterThanOrEqual(1);
    }
    expect(values['sockets_established']).toBeGreaterThanOrEqual(2);
    expect(values['sockets_in_use']).toBeGreaterThanOrEqual(3);
  });

  it.skipIf(!isLinux)(
    'lists sockets by state in its first sample and every tenth after it (needs Linux: /proc)',
    async () => {
      await using session = await host.start(contextOf({}));
      const listed: number[] = [];
      for (let at = 0; at < 11; at++) {
        if ((await session.sample?.(at))?.['sockets_state_listen'] !== undefined) listed.push(at);
      }
      expect(listed).toEqual([0, 10]);
    },
  );

  it('gives rates per second of the time that really passed', () => {
    const now = readHost(false);
    const pressureMicroseconds = new Map([['cpu', 1_000_000]]);
    const before = { ...now, contextSwitches: 100, pressureMicroseconds };
    const after = {
      ...{ ...now, atMs: now.atMs + 2500, contextSwitches: 1100 },
      pressureMicroseconds: new Map([['cpu', 1_250_000]]),
    };
    const values = toValues(before, after);
    expect(values['context_switches_per_second']).toBeCloseTo(400, 6);
    expect(values['pressure_cpu_percent']).toBeCloseTo(10, 6);
    expect(toValues(before, before)['context_switches_per_second']).toBeUndefined();
  });
});

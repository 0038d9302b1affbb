import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { findBusyProcesses } from '../../src/result/busy-processes.ts';
import { readEnvironment, readVirtualization } from '../../src/result/environment.ts';
import { readHostSettings } from '../../src/result/host-settings.ts';
import { Environment } from '../../src/result/result.ts';

const from = (files: Record<string, string>) => (path: string) => files[path];

describe('the environment of a run', () => {
  it('describes this machine without naming it', async () => {
    const environment = Value.Parse(Environment, await readEnvironment({ k6: '1.8.1' }));
    expect(environment.machine.cores).toBeGreaterThan(0);
    expect(environment.machine.memoryBytes).toBeGreaterThan(1e8);
    expect(environment.machine.hostnameHash).toMatch(/^[0-9a-f]{12}$/);
    expect(JSON.stringify(environment.machine)).not.toContain(hostname().length > 3 ? hostname() : '\0');
    expect(environment.tools).toEqual({ node: process.versions.node, k6: '1.8.1' });
    expect(environment.settings['load average at start']).toMatch(/^\d+\.\d\d$/);
    expect(environment.settings['net.core.somaxconn']).toBeDefined();
  });

  it.skipIf(process.platform !== 'linux')('names another process that uses a core (needs Linux: /proc)', async () => {
    const busy: ChildProcess = spawn(process.execPath, ['-e', 'console.log(1); for (;;);'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      if (busy.stdout !== null) await once(busy.stdout, 'data');
      await expect
        .poll(() => findBusyProcesses(), { timeout: 10_000 })
        .toContainEqual(
          expect.stringMatching(new RegExp(`^another process uses \\d+ % of a core: .+ \\(pid ${busy.pid}\\)$`)),
        );
    } finally {
      busy.kill('SIGKILL');
      await once(busy, 'exit');
    }
  });
});

describe('host settings', () => {
  it('carry the advised value where they fall short of it', async () => {
    const { settings, advice } = await readHostSettings(
      from({
        '/proc/sys/net/core/somaxconn': '128\n',
        '/proc/sys/net/ipv4/tcp_tw_reuse': '2\n',
        '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
        '/proc/self/limits':
          'Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 20000                files\n',
        '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n',
        '/sys/devices/system/cpu/intel_pstate/no_turbo': '0\n',
      }),
    );
    expect(settings).toMatchObject({
      'net.core.somaxconn': '128 (advised 65535: connections waiting to be accepted)',
      'net.ipv4.tcp_tw_reuse': '2',
      'net.ipv4.ip_local_port_range': '32768 60999 (advised 1024 65535: ports for outgoing connections)',
      'ulimit -n': '1024 (advised 65535: open files and connections of one process)',
      'vm.swappiness': 'not available',
      'CPU governor': 'powersave',
      'CPU turbo': 'on',
    });
    expect(advice).toEqual([
      expect.stringContaining('sysctl -w net.core.somaxconn="65535" net.ipv4.ip_local_port_range="1024 65535"'),
      expect.stringContaining('ulimit -n 65535'),
      expect.stringContaining('governor is "powersave"'),
    ]);
  });

  it('ask for nothing on a machine that is well set', async () => {
    const { advice } = await readHostSettings(
      from({
        '/proc/sys/net/core/somaxconn': '65535\n',
        '/proc/sys/net/ipv4/ip_local_port_range': '1024\t65535\n',
        '/proc/sys/net/ipv4/tcp_fin_timeout': '15\n',
        '/proc/self/limits': 'Max open files            unlimited            unlimited            files\n',
      }),
    );
    expect(advice).toEqual([]);
  });

  it('are told as not available where there is no /proc, the shell’s limit aside', async () => {
    const { settings } = await readHostSettings(() => undefined);
    expect(settings['net.core.somaxconn']).toBe('not available');
    expect(settings['ulimit -n']).toMatch(/^(\d+|unlimited)/);
  });
});

describe('virtualization', () => {
  it.each([
    [{ '/.dockerenv': '' }, 'container'],
    [{ '/sys/class/dmi/id/sys_vendor': 'QEMU\n' }, 'QEMU'],
    [{ '/proc/cpuinfo': 'processor : 0\nflags\t\t: fpu vme hypervisor lahf_lm\n' }, 'hypervisor'],
    [{ '/sys/class/dmi/id/sys_vendor': 'LENOVO\n', '/proc/cpuinfo': 'flags\t\t: fpu vme\n' }, null],
  ])('of %o is %s', (files: Record<string, string>, expected) => {
    expect(readVirtualization(from(files))).toBe(expected);
  });
});

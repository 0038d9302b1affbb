// The machine that measured: what it is, how it is set, and what of it can disturb a measurement.
import { createHash } from 'node:crypto';
import { arch, cpus, hostname, loadavg, platform, release, totalmem } from 'node:os';
import { findBusyProcesses } from './busy-processes.ts';
import { readHostSettings } from './host-settings.ts';
import { readText } from './read-text.ts';
import type { Environment } from './result.ts';

/** More than this share of the cores busy before we start anything, and somebody else is at work. */
const QUIET_LOAD_PER_CORE = 0.3;

/**
 * Takes about 0.3 s, in which it watches for other busy processes: call it before anything is started.
 * @param tools name → version, put into the result with Node's own
 */
export async function readEnvironment(tools: Record<string, string>): Promise<Environment> {
  const { settings, advice } = await readHostSettings();
  const cores = cpus();
  const load = loadavg()[0] ?? 0;
  settings['load average at start'] = load.toFixed(2);
  if (load > QUIET_LOAD_PER_CORE * cores.length) {
    advice.push(
      `the load average at the start was ${load.toFixed(2)} on ${cores.length} cores: the machine was not quiet`,
    );
  }
  if (cores.length < 2) {
    advice.push('there is one core: the gateway and the load generator take turns on it, latency includes the wait');
  }
  advice.push(...(await findBusyProcesses()));
  const virtualization = readVirtualization();
  if (virtualization !== null)
    advice.push(`the machine is virtual (${virtualization}): neighbours may take its CPU, see steal`);
  return {
    machine: {
      // On some virtual and arm machines the name is empty.
      cpuModel: cores[0]?.model.trim() || 'unknown',
      cores: cores.length,
      memoryBytes: totalmem(),
      kernel: `${platform()} ${release()} ${arch()}`,
      os: readOs(),
      hostnameHash: createHash('sha256').update(hostname()).digest('hex').slice(0, 12),
      virtualization,
    },
    tools: { node: process.version.slice(1), ...tools },
    settings,
    advice,
  };
}

function readOs(): string {
  const name = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(readText('/etc/os-release') ?? '')?.[1];
  return name ?? `${platform()} ${release()}`;
}

/** null on bare metal, and where the system does not tell. */
export function readVirtualization(read: (path: string) => string | undefined = readText): string | null {
  const cgroup = read('/proc/1/cgroup') ?? '';
  if (read('/.dockerenv') !== undefined || /docker|containerd|kubepods/.test(cgroup)) return 'container';
  const product = `${read('/sys/class/dmi/id/sys_vendor') ?? ''} ${read('/sys/class/dmi/id/product_name') ?? ''}`;
  const known = /QEMU|KVM|VMware|VirtualBox|Xen|Hyper-V|Virtual Machine|Amazon EC2|Google Compute Engine|Firecracker/i;
  const name = known.exec(product)?.[0];
  if (name !== undefined) return name;
  return /^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo') ?? '') ? 'hypervisor' : null;
}

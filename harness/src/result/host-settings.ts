// Settings of the system that limit many connections, beside the values advised for load tests with hundreds of users
// (ContextForge, "Host TCP Tuning for Load Testing"). Read only: nothing is ever changed.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readText } from './read-text.ts';

interface Setting {
  name: string;
  advised: string;
  /** Why it matters, as the end of a sentence. */
  purpose: string;
  isEnough: (value: string) => boolean;
}

const atLeast = (least: number) => (value: string) => Number(value) >= least;
const atMost = (most: number) => (value: string) => Number(value) <= most;

const sysctls: Setting[] = [
  ...(
    [
      ['net.core.somaxconn', 65_535, 'connections waiting to be accepted'],
      ['net.core.netdev_max_backlog', 65_535, 'packets waiting to be processed'],
      ['net.ipv4.tcp_max_syn_backlog', 65_535, 'connections half open'],
      ['fs.aio-max-nr', 1_048_576, 'asynchronous disk requests'],
      ['fs.file-max', 1_000_000, 'open files of the whole system'],
    ] as const
  ).map(([name, least, purpose]) => ({ name, advised: `${least}`, purpose, isEnough: atLeast(least) })),
  {
    name: 'net.ipv4.tcp_tw_reuse',
    advised: '1',
    purpose: 'reuse of ports in TIME_WAIT',
    // 2 is the kernel's own default since 4.19: on loopback, which is where a run's connections are.
    isEnough: (value) => value === '1' || value === '2',
  },
  {
    name: 'net.ipv4.tcp_fin_timeout',
    advised: '15',
    purpose: 'seconds until a closed connection is gone',
    isEnough: atMost(15),
  },
  {
    name: 'net.ipv4.ip_local_port_range',
    advised: '1024 65535',
    purpose: 'ports for outgoing connections',
    isEnough(value) {
      const [from = 0, to = 0] = value.split(' ').map(Number);
      return to - from >= 64_000;
    },
  },
  { name: 'vm.swappiness', advised: '10', purpose: 'keeping data in memory', isEnough: atMost(10) },
];

/** Below this, connections of hundreds of users fail: worth advice. The other settings are only shown. */
const NEEDED_DESCRIPTORS = 65_535;
const run = promisify(execFile);

/** Values as read, "(advised …)" behind those that fall short; what this system does not have is told as not available. */
export async function readHostSettings(
  read: (path: string) => string | undefined = readText,
): Promise<{ settings: Record<string, string>; advice: string[] }> {
  const settings: Record<string, string> = {};
  const short: string[] = [];
  for (const { name, advised, purpose, isEnough } of sysctls) {
    const value = read(`/proc/sys/${name.replaceAll('.', '/')}`)
      ?.trim()
      .replaceAll(/\s+/g, ' ');
    if (value === undefined) settings[name] = 'not available';
    else if (isEnough(value)) settings[name] = value;
    else {
      settings[name] = `${value} (advised ${advised}: ${purpose})`;
      short.push(`${name}="${advised}"`);
    }
  }
  const advice: string[] = [];
  if (short.length > 0) {
    advice.push(`with 500 and more concurrent users, first: sudo sysctl -w ${short.join(' ')}`);
  }
  const descriptors = (await readDescriptorLimit(read)) ?? 'not available';
  settings['ulimit -n'] = descriptors;
  if (Number(descriptors) < NEEDED_DESCRIPTORS) {
    settings['ulimit -n'] = `${descriptors} (advised ${NEEDED_DESCRIPTORS}: open files and connections of one process)`;
    advice.push(
      `a process may open ${descriptors} files and connections: ulimit -n ${NEEDED_DESCRIPTORS} before the run`,
    );
  }
  const governor = read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')?.trim();
  settings['CPU governor'] = governor ?? 'not available';
  if (governor !== undefined && governor !== 'performance') {
    advice.push(
      `the CPU governor is "${governor}": the clock follows the load; sudo cpupower frequency-set -g performance`,
    );
  }
  settings['CPU turbo'] = readTurbo(read);
  return { settings, advice };
}

async function readDescriptorLimit(read: (path: string) => string | undefined): Promise<string | undefined> {
  const limits = read('/proc/self/limits');
  if (limits !== undefined) return /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  try {
    return (await run('/bin/sh', ['-c', 'ulimit -n'])).stdout.trim();
  } catch {
    // No shell to ask: the limit is unknown, which is what is told.
    return undefined;
  }
}

function readTurbo(read: (path: string) => string | undefined): string {
  const off = read('/sys/devices/system/cpu/intel_pstate/no_turbo')?.trim();
  if (off !== undefined) return off === '1' ? 'off' : 'on';
  const boost = read('/sys/devices/system/cpu/cpufreq/boost')?.trim();
  return boost === undefined ? 'not available' : boost === '0' ? 'off' : 'on';
}

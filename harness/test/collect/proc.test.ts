import { describe, expect, it } from 'vitest';
import { parseCpu, toShares } from '../../src/collect/proc/cpu.ts';
import { parseDisks, toBusyPercent } from '../../src/collect/proc/disk.ts';
import { parseLoadAverage, parseMemory } from '../../src/collect/proc/memory.ts';
import {
  countSocketStates,
  parseEstablished,
  parseInterfaces,
  parseSocketSummary,
  type SocketState,
} from '../../src/collect/proc/network.ts';
import { parsePressure } from '../../src/collect/proc/pressure.ts';
import { parseStat } from '../../src/collect/proc/process.ts';

describe('/proc/stat', () => {
  it('splits the time between two readings into busy, steal and iowait', () => {
    const before = parseCpu('cpu  100 0 50 1000 20 0 5 10 0 0\ncpu0 100 0 50 1000 20 0 5 10 0 0\nctxt 500\n');
    const after = parseCpu('cpu  140 0 60 1030 30 0 5 20 7 0\ncpu0 140 0 60 1030 30 0 5 20 7 0\nctxt 900\n');
    // 40 user + 10 system + 30 idle + 10 iowait + 10 steal = 100 ticks; guest time (7) is in user already.
    expect(toShares(before.total, after.total)).toEqual({ busyPercent: 50, stealPercent: 10, iowaitPercent: 10 });
    expect(after.contextSwitches - before.contextSwitches).toBe(400);
  });

  it('reads a kernel 2.6 without steal, and a core that is offline', () => {
    const reading = parseCpu('cpu  1 2 3 4 5 6 7\ncpu0 1 2 3 4 5 6 7\ncpu2 9 2 3 4 5 6 7\nctxt 1\n');
    expect(reading.total.steal).toBe(0);
    expect(reading.cores[1]).toBeUndefined();
    expect(reading.cores[2]?.user).toBe(9);
  });

  it('gives no share when no tick has passed, and never a negative one', () => {
    const { total } = parseCpu('cpu  1 2 3 4 5 6 7 8\n');
    expect(toShares(total, total)).toBeUndefined();
    expect(toShares(total, { ...total, iowait: total.iowait - 1, user: total.user + 10 })).toEqual({
      busyPercent: 100,
      stealPercent: 0,
      iowaitPercent: 0,
    });
  });

  it('says what is missing', () => {
    expect(() => parseCpu('intr 5\n')).toThrow('/proc/stat has no line "cpu"');
  });
});

describe('/proc/meminfo', () => {
  it('reads available memory and swap', () => {
    const text = 'MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n';
    expect(parseMemory(text)).toEqual({ totalBytes: 1_024_000, availableBytes: 614_400, swapUsedBytes: 30_720 });
  });

  it('estimates what is available on a kernel before 3.14', () => {
    const text = 'MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 300 kB\n';
    expect(parseMemory(text).availableBytes).toBe(420 * 1024);
    expect(parseLoadAverage('0.52 0.40 0.30 2/345 6789\n')).toBe(0.52);
  });
});

describe('/proc/diskstats', () => {
  it('counts whole disks only, not their partitions or loop devices', () => {
    const reading = parseDisks(
      [
        '   7       0 loop0 9 0 900 9 9 0 900 9 0 900 9',
        ' 259       0 nvme0n1 10 0 100 5 20 0 200 6 0 40 11 0 0 0 0',
        ' 259       1 nvme0n1p1 10 0 100 5 20 0 200 6 0 40 11 0 0 0 0',
        ' 254       0 vda 1 0 8 5 2 0 16 6 0 10 11',
        ' 254       1 vda1 1 0 8 5 2 0 16 6 0 10 11',
      ].join('\n'),
    );
    expect(reading.readBytes).toBe(108 * 512);
    expect(reading.writtenBytes).toBe(216 * 512);
    const earlier = { ...reading, busyMs: new Map([['nvme0n1', 15]]) };
    expect(toBusyPercent(earlier, reading, 100)).toBe(25);
  });
});

describe('/proc/net', () => {
  it('keeps loopback apart from the other interfaces', () => {
    const head = 'Inter-|   Receive  |  Transmit\n face |bytes packets|bytes packets\n';
    const lines =
      '    lo: 700 1 0 0 0 0 0 0 700 1 0 0 0 0 0 0\n  eth0:100 1 0 0 0 0 0 0 30 1 0 0 0 0 0 0\n docker0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n';
    expect(parseInterfaces(head + lines)).toEqual({ loopbackBytes: 700, otherBytes: 141 });
  });

  it('counts sockets by state over IPv4 and IPv6', () => {
    const counts = new Map<SocketState, number>();
    const head = '  sl  local_address rem_address   st tx_queue\n';
    countSocketStates(
      `${head}   0: 0100007F:1F90 00000000:0000 0A 0:0\n  10: 0100007F:1F90 0100007F:8000 01 0:0\n`,
      counts,
    );
    countSocketStates(`${head}   0: 00000000000000000000000001000000:0016 0:0 01 0:0\n   1: 0:0 0:0 06 0:0\n`, counts);
    expect(Object.fromEntries(counts)).toEqual({ listen: 1, established: 2, time_wait: 1 });
  });

  it('reads the summary of sockets, and says when there is none', () => {
    const text = 'sockets: used 300\nTCP: inuse 27 orphan 1 tw 14000 alloc 30 mem 5\nUDP: inuse 4 mem 2\n';
    expect(parseSocketSummary(text)).toEqual({ tcpInUse: 27, orphans: 1, timeWait: 14_000 });
    expect(() => parseSocketSummary('sockets: used 1\n')).toThrow('no line "TCP:"');
  });
});

describe('/proc/net/snmp', () => {
  it('names the established connections by their column', () => {
    const text =
      'Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm ActiveOpens CurrEstab InSegs\nTcp: 1 200 17 4000\nUdp: InDatagrams\nUdp: 1\n';
    expect(parseEstablished(text)).toBe(17);
    expect(() => parseEstablished('Tcp: RtoAlgorithm\nTcp: 1\n')).toThrow('no CurrEstab');
  });
});

describe('/proc/pressure and /proc/<pid>/stat', () => {
  it('reads the time that at least one task waited', () => {
    const text =
      'some avg10=0.00 avg60=0.08 avg300=0.34 total=33698062\nfull avg10=0.00 avg60=0.06 avg300=0.25 total=1\n';
    expect(parsePressure(text)).toBe(33_698_062);
    expect(() => parsePressure('')).toThrow('no line "some');
  });

  it('reads a process whose command holds spaces and parentheses', () => {
    const text =
      '42 (tmux: server (1)) S 7 42 42 0 -1 4194304 1 0 0 0 130 20 5 6 20 0 3 0 98765 1000 200 18446744073709551615\n';
    expect(parseStat(text)).toEqual({ parentPid: 7, cpuTicks: 150, threads: 3, startTicks: 98_765 });
  });
});

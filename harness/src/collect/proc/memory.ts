// /proc/meminfo and /proc/loadavg.

export interface MemoryReading {
  totalBytes: number;
  availableBytes: number;
  swapUsedBytes: number;
}

/** @throws when the total is missing. Kernels before 3.14 have no MemAvailable: free + buffers + page cache stand in. */
export function parseMemory(text: string): MemoryReading {
  const bytes = new Map<string, number>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) bytes.set(line.slice(0, colon), Number.parseInt(line.slice(colon + 1), 10) * 1024);
  }
  const read = (name: string) => bytes.get(name) ?? 0;
  const totalBytes = bytes.get('MemTotal');
  if (totalBytes === undefined) throw new Error('/proc/meminfo has no MemTotal');
  return {
    totalBytes,
    availableBytes: bytes.get('MemAvailable') ?? read('MemFree') + read('Buffers') + read('Cached'),
    swapUsedBytes: read('SwapTotal') - read('SwapFree'),
  };
}

/** The load average over one minute. */
export function parseLoadAverage(text: string): number {
  return Number(text.split(' ', 1)[0]);
}

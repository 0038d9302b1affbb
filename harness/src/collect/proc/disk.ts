// /proc/diskstats: what the disks did. Partitions and virtual devices are left out: their bytes are those of a disk below.

export interface DiskReading {
  readBytes: number;
  writtenBytes: number;
  /** Milliseconds with a request in flight, by disk. */
  busyMs: Map<string, number>;
}

/** The kernel counts in these, whatever the disk's own sector size is (Documentation/admin-guide/iostats.rst). */
const SECTOR_BYTES = 512;
const WHOLE_DISK = /^(?:[shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;

export function parseDisks(text: string): DiskReading {
  const reading: DiskReading = { readBytes: 0, writtenBytes: 0, busyMs: new Map() };
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2];
    if (name === undefined || !WHOLE_DISK.test(name)) continue;
    reading.readBytes += Number(fields[5]) * SECTOR_BYTES;
    reading.writtenBytes += Number(fields[9]) * SECTOR_BYTES;
    reading.busyMs.set(name, Number(fields[12]));
  }
  return reading;
}

/** The busiest disk's share of the time between two readings, 0 to 100. */
export function toBusyPercent(before: DiskReading, after: DiskReading, elapsedMs: number): number {
  let busiest = 0;
  for (const [name, busyMs] of after.busyMs) {
    busiest = Math.max(busiest, busyMs - (before.busyMs.get(name) ?? busyMs));
  }
  return elapsedMs > 0 ? Math.min(100, (100 * busiest) / elapsedMs) : 0;
}

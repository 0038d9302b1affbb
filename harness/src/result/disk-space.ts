// Says early, and in one sentence, that there is no room.
import { statfsSync } from 'node:fs';
import { HarnessError } from '../errors.ts';

/** @throws HarnessError DISK_FULL when the file system of `folder` has less than `neededBytes` for us */
export function requireDiskSpace(folder: string, neededBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new HarnessError('DISK_FULL', {
    detail: `${folder} has ${toMegabytes(freeBytes)} MB left, ${toMegabytes(neededBytes)} MB are needed`,
  });
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

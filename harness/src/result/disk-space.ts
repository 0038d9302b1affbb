// Says early, and in one sentence, that there is no room.
import { statfs } from 'node:fs/promises';
import { HarnessError } from '../errors.ts';

/** @throws HarnessError DISK_FULL when the file system of `folder` has less than `neededBytes` for us */
export async function requireDiskSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new HarnessError('DISK_FULL', {
    detail: `${folder} has ${toMegabytes(freeBytes)} MB left, ${toMegabytes(neededBytes)} MB are needed`,
  });
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

import { readFileSync } from 'node:fs';

/** A small file of the system, or undefined where this system does not have it or does not let us read it. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL', 'EIO'].includes(code)) return undefined;
    throw error;
  }
}

// The last lines of a log file, for error messages.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const TAIL_BYTES = 16 * 1024;

/** Up to `lines` last lines of what was written after byte `startsAt`; says so when that is nothing. */
export function readLogTail(file: string, startsAt: number, lines = 12): string {
  const text = readFrom(file, (size) => Math.max(startsAt, size - TAIL_BYTES)).trimEnd();
  return text === '' ? '(it wrote nothing)' : text.split('\n').slice(-lines).join('\n');
}

/** The text of a file from a byte offset on. */
export function readFrom(file: string, offset: number | ((size: number) => number)): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const start = typeof offset === 'number' ? offset : offset(size);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const length = readSync(descriptor, buffer, 0, buffer.length, start);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

// Where the sessions of one process are found by the other processes of this user on this machine: a socket in a folder that nobody
// else can enter. A session's id ends with the mark of its home.
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of one process. */
export interface SessionHome {
  /** What the ids of its sessions end with. No secret: every client sees it. */
  mark: string;
  /** Where the sockets are. */
  folder: string;
}

/** Of one gateway: with the number of a worker behind it, it is a mark. */
export interface Neighbourhood {
  tag: string;
  folder: string;
}

const PRIVATE = 0o700;
const YOUNG_MS = 60_000;
const LONGEST_PARENT = 60;
/** A UUID, a dot, the mark: nothing of it can lead out of the folder. */
const markedId = /^[0-9a-f-]{36}\.([0-9a-f]{8}-[0-9]{1,9})$/;

/**
 * All gateways of one user share the folder, so that one finds the sessions of another behind the same load balancer.
 * @param parents the first that can be written to; the second is there in a container whose files are read-only
 * @returns undefined where there is none
 */
export function createNeighbourhood(parents = [tmpdir(), '/dev/shm']): Neighbourhood | undefined {
  // Longer paths than 107 bytes are none for a socket.
  for (const parent of parents.filter(({ length }) => length <= LONGEST_PARENT)) {
    const shared = join(parent, `gatebench-${process.getuid?.() ?? 0}`);
    const folder = isPrivate(shared) ? shared : createOwn(parent);
    if (folder === undefined) continue;
    removeDead(folder);
    return { tag: randomBytes(4).toString('hex'), folder };
  }
  return undefined;
}

export function toHome(neighbourhood: Neighbourhood | undefined, worker: number): SessionHome | undefined {
  return neighbourhood && { mark: `${neighbourhood.tag}-${worker}`, folder: neighbourhood.folder };
}

export function socketOf(folder: string, mark: string): string {
  return join(folder, `${mark}.sock`);
}

/** @returns undefined for an id that leads nowhere */
export function markOf(sessionId: string): string | undefined {
  return markedId.exec(sessionId)?.[1];
}

/** Made by us or as if: ours, no link, closed to everybody else. Anybody may have put something else there. */
function isPrivate(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: PRIVATE });
  } catch {
    // It is there, or cannot be made.
  }
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}

/** Sockets of gateways that were killed: nobody answers there any more. Young ones may be about to listen. */
function removeDead(folder: string): void {
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const modifiedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (!file.endsWith('.sock') || modifiedMs === undefined || Date.now() - modifiedMs < YOUNG_MS) continue;
    const socket = connect(path, () => socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') rmSync(path, { force: true });
    });
  }
}

function createOwn(parent: string): string | undefined {
  try {
    return mkdtempSync(join(parent, 'gatebench-'));
  } catch {
    return undefined;
  }
}

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
/** A UUID, a dot, the mark: nothing of it can lead out of the folder. */
const markedId = /^[0-9a-f-]{36}\.([0-9a-f]{8}-[0-9]{1,9})$/;

/** All gateways of one user share the folder, so that one finds the sessions of another behind the same load balancer. */
export function createNeighbourhood(base: string = tmpdir()): Neighbourhood {
  // Longer paths than 107 bytes are none for a socket.
  const parent = base.length > 60 ? '/tmp' : base;
  const shared = join(parent, `gatebench-${process.getuid?.() ?? 0}`);
  const folder = isPrivate(shared) ? shared : createOwn(parent);
  removeDead(folder);
  return { tag: randomBytes(4).toString('hex'), folder };
}

export function toHome({ tag, folder }: Neighbourhood, worker: number): SessionHome {
  return { mark: `${tag}-${worker}`, folder };
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
    mkdirSync(folder, { recursive: true, mode: PRIVATE });
  } catch {
    return false;
  }
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
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

function createOwn(parent: string): string {
  return mkdtempSync(join(parent, 'gatebench-'));
}

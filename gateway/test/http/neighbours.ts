// Processes of one gateway as apps in this one: each listens, and each has a door for the others.
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { request } from 'undici';
import type { SessionRecord, SessionRecords } from '../../src/cache/session-records.ts';
import { createTestApp, type TestApp, type TestAppOptions, token } from '../test-app.ts';

export interface Answer {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

export interface Neighbour extends TestApp {
  mark: string;
  url: string;
  /** Over the network, unlike `send`. */
  ask(method: 'POST' | 'GET' | 'DELETE', path: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  headers?: Record<string, string>;
  body?: string | Readable;
  user?: string;
  signal?: AbortSignal;
}

export interface Neighbours extends AsyncDisposable {
  folder: string;
  start(options?: TestAppOptions): Promise<Neighbour>;
}

export async function createNeighbours(): Promise<Neighbours> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-test-'));
  const started: Neighbour[] = [];
  let serial = 0;
  return {
    folder,
    async start(options = {}) {
      const mark = `0123abcd-${++serial}`;
      const gateway = createTestApp({
        ...options,
        environment: { USE_STATEFUL_SESSIONS: 'true', ...options.environment },
        home: { folder, mark },
      });
      await gateway.app.listen({ host: '127.0.0.1', port: 0 });
      await gateway.carrier?.open(gateway.app.server);
      const { port } = gateway.app.server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}`;
      const neighbour = { ...gateway, mark, url, ask: askOf(url) };
      started.push(neighbour);
      return neighbour;
    },
    async [Symbol.asyncDispose]() {
      for (const one of started) await one[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function askOf(url: string): Neighbour['ask'] {
  return async (method, path, { headers = {}, body, user = 'admin', signal } = {}) => {
    const answer = await request(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token(user)}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
  };
}

/** What Redis keeps for several processes; `of` gives each its own view, as the real one is made. */
export function createSharedRecords() {
  const kept = new Map<string, { owner: string; record: SessionRecord; ttlMs: number }>();
  const listeners = new Map<string, (id: string) => void>();
  const state = { isUp: true };
  return {
    kept,
    state,
    of: (mark: string): SessionRecords => ({
      async keep(id, record, ttlMs) {
        if (!state.isUp) return undefined;
        const found = kept.get(id);
        if (found !== undefined && found.owner !== mark) return false;
        kept.set(id, { owner: mark, record: structuredClone(record), ttlMs });
        return true;
      },
      read: async (id) => (state.isUp ? kept.get(id) : undefined),
      async take(id, from, record, ttlMs) {
        if (!state.isUp || kept.get(id)?.owner !== from) return false;
        kept.set(id, { owner: mark, record, ttlMs });
        for (const [other, listener] of listeners) if (other !== mark) listener(id);
        return true;
      },
      async remove(id) {
        if (state.isUp && kept.get(id)?.owner === mark) kept.delete(id);
      },
      onTaken: (listener) => void listeners.set(mark, listener),
    }),
  };
}

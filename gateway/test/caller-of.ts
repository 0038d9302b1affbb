// A caller for tests below the HTTP edge.
import type { Caller } from '../src/mcp/ports.ts';

export function callerOf(parts: Partial<Caller> = {}): Caller {
  return {
    serverId: undefined,
    signal: new AbortController().signal,
    identity: { sub: 'admin' },
    headers: {},
    session: undefined,
    peer: undefined,
    ...parts,
  };
}

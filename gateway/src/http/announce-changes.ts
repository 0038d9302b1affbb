// Registry changes are told to the sessions that can see them and listen.
// https://modelcontextprotocol.io/specification/2025-11-25/server/tools#list-changed-notification
import type { ListChange } from '../mcp/ports.ts';
import type { Sessions } from './sessions.ts';

export function announceChange(sessions: Sessions, { kinds, serverId }: ListChange): void {
  for (const session of sessions.all()) {
    // What one virtual server shows changes nothing elsewhere.
    if (serverId !== undefined && serverId !== session.serverId) continue;
    for (const kind of kinds) session.notify(`notifications/${kind}/list_changed`, undefined);
  }
}

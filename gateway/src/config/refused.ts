// Features of the source that are not built here: switching one on is refused at the start, with the reason.
import type { Fault } from '../parse.ts';

/** Setting → why it cannot be on. Off (the default here) is fine. */
export const refused: Record<string, string> = {
  MCPGATEWAY_A2A_ENABLED: 'agent-to-agent routing is not built: it is no part of the Model Context Protocol',
  MCPGATEWAY_A2A_METRICS_ENABLED: 'agent-to-agent routing is not built: it is no part of the Model Context Protocol',
  LLMCHAT_ENABLED: 'chat with a language model is not built: a gateway carries tool calls, it does not make them',
  MCPGATEWAY_CATALOG_ENABLED: 'the catalogue of public servers is not built: register upstreams with POST /gateways',
  DCR_ENABLED: 'OAuth dynamic client registration is not built: give an upstream its credentials with authType',
  OAUTH_DISCOVERY_ENABLED: 'OAuth discovery is not built: give an upstream its credentials with authType',
  MCPGATEWAY_OAUTH_ENABLED: 'OAuth is not built: tokens are JWTs signed with JWT_SECRET_KEY',
  FEDERATION_DISCOVERY: 'mDNS discovery is not built: gateways find each other through Redis (REDIS_URL)',
};

const on = new Set(['true', '1', 'yes', 'on']);

export function refuseUnbuilt(environment: Record<string, string | undefined>): Fault[] {
  return Object.entries(refused).flatMap(([name, reason]) => {
    const seen = environment[name]?.trim().toLowerCase();
    return seen !== undefined && on.has(seen)
      ? [{ path: `/${name}`, message: `cannot be switched on: ${reason}`, seen }]
      : [];
  });
}

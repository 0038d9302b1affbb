// Is a session that was idle still good? Asked by a chain of methods: one that the upstream does not know leaves it to the next.
import type { Config } from '../config.ts';
import type { UpstreamSession } from './upstream-session.ts';
import { FORGOTTEN } from './upstream-session.ts';

const requests: Record<string, string> = {
  ping: 'ping',
  list_tools: 'tools/list',
  list_prompts: 'prompts/list',
  list_resources: 'resources/list',
};

/** Never rejects. `skip` takes it to be good; so does any answer, unless all of the chain are errors. */
export async function isHealthy(
  session: Pick<UpstreamSession, 'request'>,
  config: Pick<Config, 'MCP_SESSION_POOL_HEALTH_CHECK_METHODS' | 'MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT'>,
): Promise<boolean> {
  for (const name of namesOf(config.MCP_SESSION_POOL_HEALTH_CHECK_METHODS)) {
    const method = requests[name];
    if (method === undefined) return true;
    try {
      const timeoutMs = config.MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT * 1000;
      const answer = await session.request(method, undefined, timeoutMs, undefined, undefined);
      if (answer === FORGOTTEN) return false;
      if (answer.ok) return true;
    } catch {
      // No answer, or none that is valid: who does not answer a ping will not answer a call.
      return false;
    }
  }
  return false;
}

/** `ping,skip`, or a JSON list as the source writes it. */
function namesOf(text: string): string[] {
  return text.replace(/[[\]"'\s]/g, '').split(',');
}

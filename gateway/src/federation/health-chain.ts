// Is a session that was idle still good? Asked by a chain of methods: one that the upstream does not know leaves it to the next.
import { GatewayError } from '../errors.ts';
import type { UpstreamSession } from './upstream-session.ts';
import { FORGOTTEN } from './upstream-session.ts';

const requests: Record<string, string> = {
  ping: 'ping',
  list_tools: 'tools/list',
  list_prompts: 'prompts/list',
  list_resources: 'resources/list',
};

/** `silent`: it did not answer in time; `gone`: it is known to be of no use any more. */
export type Health = 'good' | 'silent' | 'gone';

/** Never rejects. `skip` takes it to be good; so does any answer, unless all of the chain are errors. */
export async function checkHealth(
  session: Pick<UpstreamSession, 'request'>,
  methods: string,
  timeoutMs: number,
): Promise<Health> {
  for (const name of namesOf(methods)) {
    const method = requests[name];
    if (method === undefined) return 'good';
    try {
      const answer = await session.request(method, undefined, timeoutMs, undefined, undefined);
      if (answer === FORGOTTEN) return 'gone';
      if (answer.ok) return 'good';
    } catch (error) {
      // Who does not answer a ping will not answer a call.
      return error instanceof GatewayError && error.code === 'GW_UPSTREAM_TIMEOUT' ? 'silent' : 'gone';
    }
  }
  return 'gone';
}

/** `ping,skip`, or a JSON list as the source writes it. */
function namesOf(text: string): string[] {
  return text.replace(/[[\]"'\s]/g, '').split(',');
}

// Tells of each call of a tool, resource or prompt when it is over: what it was, how long it took, how it ended.
import { GatewayError } from '../errors.ts';
import type { Caller, Forwarded, ForwardedAnswer, TellExecution } from '../mcp/ports.ts';

/** What else is forwarded (completion, subscriptions) executes nothing. */
const executing: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get']);

export async function tellExecution(
  tell: TellExecution,
  entryId: string,
  { kind, name, method }: Forwarded,
  caller: Caller,
  call: () => Promise<ForwardedAnswer>,
): Promise<ForwardedAnswer> {
  if (!executing.has(method)) return call();
  const startedAt = performance.now();
  try {
    const answer = await call();
    tell({ entryId, kind, durationMs: performance.now() - startedAt, errorCode: toCode(answer) }, name, caller);
    return answer;
  } catch (error) {
    const errorCode = error instanceof GatewayError ? error.code : 'aborted';
    tell({ entryId, kind, durationMs: performance.now() - startedAt, errorCode }, name, caller);
    throw error;
  }
}

function toCode(answer: ForwardedAnswer): string | undefined {
  if (!answer.ok) return String(answer.error.code);
  return answer.isError ? 'isError' : undefined;
}

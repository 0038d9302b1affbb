// A JSON-RPC request in, the text of its answer out. Pure: what it needs comes in as ports.
import { toJsonRpcError } from '../errors.ts';
import { type RpcMessage, type RpcRequest, toErrorText, toResultText } from './messages.ts';
import { toToolCall } from './methods/forward.ts';
import { methods } from './methods/index.ts';
import { toolsCall } from './methods/tools-call.ts';
import type { Caller, McpPorts } from './ports.ts';
import { RpcError, type RpcErrorBody, rpcCodes } from './rpc-error.ts';

/**
 * Answers one request (`idJson` set). Never rejects: every failure becomes a JSON-RPC error and is told to `ports.failed`.
 * No promise when the answer is in memory.
 * @param allowToolNames a bare tool name as `method` calls that tool (`/rpc` only: it is no part of MCP)
 */
export function dispatch(
  message: RpcRequest,
  ports: McpPorts,
  caller: Caller,
  allowToolNames: boolean,
): string | Promise<string> {
  const { idJson, method } = message;
  try {
    const handler = methods.get(method);
    const result =
      handler === undefined ? callByToolName(message, ports, caller, allowToolNames) : handler(message, ports, caller);
    if (typeof result === 'string') return toResultText(idJson, result);
    return finish(result, message, ports, caller);
  } catch (error) {
    return fail(error, message, ports, caller);
  }
}

async function finish(result: Promise<string>, message: RpcRequest, ports: McpPorts, caller: Caller): Promise<string> {
  try {
    return toResultText(message.idJson, await result);
  } catch (error) {
    return fail(error, message, ports, caller);
  } finally {
    caller.end?.();
  }
}

async function callByToolName(
  message: RpcMessage,
  ports: McpPorts,
  caller: Caller,
  allowToolNames: boolean,
): Promise<string> {
  if (!allowToolNames || !(await ports.has('tools', message.method, caller.serverId, caller))) {
    throw new RpcError(rpcCodes.methodNotFound, `Method not found: ${message.method}`);
  }
  return toolsCall(toToolCall(message), ports, caller);
}

function fail(error: unknown, { method, idJson }: RpcRequest, ports: McpPorts, caller: Caller): string {
  ports.failed(method, error, caller.trace?.correlationId);
  return toErrorText(idJson, toBody(error));
}

function toBody(error: unknown): RpcErrorBody {
  return error instanceof RpcError ? error.toBody() : toJsonRpcError(error);
}

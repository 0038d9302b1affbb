import type { RpcMessage } from '../messages.ts';
import type { Caller, McpPorts } from '../ports.ts';

/**
 * One MCP method: answers the text of `result`. On the request path: no promise where the answer is in memory.
 * @throws RpcError for the client's faults and upstreams' own errors; GatewayError for our failures
 */
export type Method = (message: RpcMessage, ports: McpPorts, caller: Caller) => string | Promise<string>;

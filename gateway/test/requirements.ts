// The MCP behaviour that this gateway promises. Tests cite the ids in their titles; requirements.test.ts fails for an id
// that nothing cites. Clauses: https://modelcontextprotocol.io/specification/2025-11-25/… unless another version is named.

/** One promised behaviour, and the clause that asks for it. */
export interface Requirement {
  id: string;
  text: string;
  clause: string;
}

const jsonRpc = 'https://www.jsonrpc.org/specification';

export const requirements: Requirement[] = [
  {
    id: 'MCP-RPC-01',
    text: 'text that is not JSON is answered with -32700 and id null',
    clause: `${jsonRpc}#error_object`,
  },
  { id: 'MCP-RPC-02', text: 'a message that is no request is answered with -32600', clause: `${jsonRpc}#error_object` },
  { id: 'MCP-RPC-03', text: 'an unknown method is answered with -32601', clause: `${jsonRpc}#error_object` },
  { id: 'MCP-RPC-04', text: 'params of the wrong shape are answered with -32602', clause: `${jsonRpc}#error_object` },
  {
    id: 'MCP-RPC-05',
    text: 'an inner failure is answered with -32603 and tells nothing of the inside',
    clause: `${jsonRpc}#error_object`,
  },
  {
    id: 'MCP-RPC-06',
    text: 'the answer has the id of the request, as it was sent',
    clause: `${jsonRpc}#response_object`,
  },
  { id: 'MCP-RPC-07', text: 'an id must be a string or a number, not null', clause: 'basic#requests' },
  { id: 'MCP-RPC-08', text: 'notifications and responses get no answer', clause: 'basic#notifications' },
  {
    id: 'MCP-RPC-09',
    text: 'an HTTP request that is refused is answered with a JSON-RPC error with id null, under its HTTP status',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-LIFE-01',
    text: 'initialize answers with the requested version when it is supported',
    clause: 'basic/lifecycle#version-negotiation',
  },
  {
    id: 'MCP-LIFE-02',
    text: 'initialize answers with the latest version when the requested one is not supported',
    clause: 'basic/lifecycle#version-negotiation',
  },
  {
    id: 'MCP-LIFE-03',
    text: 'initialize states capabilities and serverInfo',
    clause: 'basic/lifecycle#initialization',
  },
  {
    id: 'MCP-LIFE-04',
    text: 'ping is answered with an empty result',
    clause: 'basic/utilities/ping#behavior-requirements',
  },
  {
    id: 'MCP-LIFE-05',
    text: 'a cancelled request is aborted; an unknown id is ignored',
    clause: 'basic/utilities/cancellation#behavior-requirements',
  },
  {
    id: 'MCP-PAGE-01',
    text: 'lists are paged by opaque cursors; a cursor that is none is -32602',
    clause: 'server/utilities/pagination#error-handling',
  },
  { id: 'MCP-TOOL-01', text: 'tools/list lists the tools of the server asked', clause: 'server/tools#listing-tools' },
  {
    id: 'MCP-TOOL-02',
    text: 'tools/call hands on the arguments and the result untouched',
    clause: 'server/tools#calling-tools',
  },
  { id: 'MCP-TOOL-03', text: 'an unknown tool is -32602', clause: 'server/tools#error-handling' },
  {
    id: 'MCP-TOOL-04',
    text: 'a tool that fails is a result with isError, not a protocol error',
    clause: 'server/tools#error-handling',
  },
  {
    id: 'MCP-RES-01',
    text: 'resources/list and resources/templates/list list what the server asked has',
    clause: 'server/resources#listing-resources',
  },
  { id: 'MCP-RES-02', text: 'resources/read reads by URI', clause: 'server/resources#reading-resources' },
  {
    id: 'MCP-RES-03',
    text: 'an unknown resource is -32002 and names the URI',
    clause: 'server/resources#error-handling',
  },
  {
    id: 'MCP-RES-04',
    text: 'a URI that expands a template is read from the upstream of the template',
    clause: 'server/resources#resource-templates',
  },
  {
    id: 'MCP-PROMPT-01',
    text: 'prompts/list lists the prompts of the server asked',
    clause: 'server/prompts#listing-prompts',
  },
  {
    id: 'MCP-PROMPT-02',
    text: 'prompts/get gets a prompt with its arguments',
    clause: 'server/prompts#getting-a-prompt',
  },
  { id: 'MCP-PROMPT-03', text: 'an unknown prompt is -32602', clause: 'server/prompts#error-handling' },
  {
    id: 'MCP-HTTP-01',
    text: 'a request is answered with JSON when the client takes it',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-HTTP-02',
    text: 'a request is answered with an event stream when the client takes nothing else',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-HTTP-03',
    text: 'a client that takes neither is refused with 406',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-HTTP-04',
    text: 'notifications and responses are answered with 202 and no body',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  { id: 'MCP-HTTP-05', text: 'initialize hands out a session id', clause: 'basic/transports#session-management' },
  { id: 'MCP-HTTP-06', text: 'an unknown session is 404', clause: 'basic/transports#session-management' },
  {
    id: 'MCP-HTTP-07',
    text: 'a session is bound to its user and its path',
    clause: 'basic/security_best_practices#session-hijacking',
  },
  { id: 'MCP-HTTP-08', text: 'DELETE ends a session', clause: 'basic/transports#session-management' },
  {
    id: 'MCP-HTTP-09',
    text: 'GET opens an event stream that is kept alive, one per session',
    clause: 'basic/transports#listening-for-messages-from-the-server',
  },
  { id: 'MCP-HTTP-10', text: 'GET without a session is 400', clause: 'basic/transports#session-management' },
  {
    id: 'MCP-HTTP-11',
    text: 'an unsupported MCP-Protocol-Version is 400',
    clause: 'basic/transports#protocol-version-header',
  },
  { id: 'MCP-HTTP-12', text: 'a foreign Origin is 403', clause: 'basic/transports#security-warning' },
  {
    id: 'MCP-HTTP-13',
    text: 'batches are taken in 2025-03-26 alone, without initialize',
    clause: '2025-03-26/basic#batching',
  },
  { id: 'MCP-HTTP-14', text: 'a request without a session is served', clause: 'basic/transports#session-management' },
  {
    id: 'MCP-HTTP-15',
    text: 'an idle session ends, and there are never more than MAX_SESSIONS',
    clause: 'basic/transports#session-management',
  },
  {
    id: 'MCP-HTTP-16',
    text: 'a gateway that keeps no sessions gives out no id and answers GET and DELETE with 405',
    clause: 'basic/transports#listening-for-messages-from-the-server',
  },
  {
    id: 'MCP-HTTP-17',
    text: 'an answer is JSON unless something has to be streamed before it',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-PEER-01',
    text: 'what an upstream says before its answer reaches the client on the stream of its request, untouched',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-PEER-02',
    text: "an upstream's request is asked of the client under an id of the gateway's own; only its session answers it",
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-PEER-03',
    text: 'a client that does not answer in time is told that nobody waits any more',
    clause: 'basic/lifecycle#timeouts',
  },
  {
    id: 'MCP-PEER-04',
    text: 'messages that belong to no request go out on the standing stream alone',
    clause: 'basic/transports#listening-for-messages-from-the-server',
  },
  {
    id: 'MCP-LIFE-06',
    text: 'the capabilities stated are those that are served: changes and subscriptions with a session alone',
    clause: 'basic/lifecycle#capability-negotiation',
  },
  {
    id: 'MCP-COMP-01',
    text: 'completion is asked of the upstream that has the prompt or template, under its own name',
    clause: 'server/utilities/completion#protocol-messages',
  },
  {
    id: 'MCP-LOG-01',
    text: 'a log level is kept in the session and told to its upstreams; one that is none is -32602',
    clause: 'server/utilities/logging#setting-log-level',
  },
  {
    id: 'MCP-RES-05',
    text: 'subscriptions go to the upstream that has the resource, with a session alone',
    clause: 'server/resources#subscriptions',
  },
  {
    id: 'MCP-ROOTS-01',
    text: 'a changed list of roots is told to the upstreams of the session',
    clause: 'client/roots#root-list-changes',
  },
  {
    id: 'MCP-LIST-01',
    text: 'changed lists are told to the sessions that can see them, on their standing stream',
    clause: 'server/tools#list-changed-notification',
  },
  {
    id: 'MCP-RESUME-01',
    text: 'a client that comes back with Last-Event-ID gets what it missed of that stream, each message once',
    clause: 'basic/transports#resumability-and-redelivery',
  },
  {
    id: 'MCP-RESUME-02',
    text: 'a request of a session goes on when its stream breaks, and its answer can be fetched',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  {
    id: 'MCP-RESUME-03',
    text: 'what is kept for clients that come back is bounded in number, bytes and time, and is of one session',
    clause: 'basic/transports#resumability-and-redelivery',
  },
  {
    id: 'MCP-HTTP-18',
    text: 'a reader that stops reading is let go',
    clause: 'basic/transports#listening-for-messages-from-the-server',
  },
  {
    id: 'MCP-CONF-01',
    text: 'the official conformance suite passes, every server scenario',
    clause: 'https://github.com/modelcontextprotocol/conformance',
  },
  {
    id: 'MCP-UP-01',
    text: 'one session per upstream, initialised once by all who call at the same time',
    clause: 'basic/lifecycle#initialization',
  },
  {
    id: 'MCP-UP-02',
    text: 'a session that the upstream answers with 404 is renewed, and the request sent again',
    clause: 'basic/transports#session-management',
  },
  {
    id: 'MCP-UP-03',
    text: 'an answer that is cut off, not JSON, or not to our request is an error',
    clause: `${jsonRpc}#response_object`,
  },
  {
    id: 'MCP-UP-04',
    text: 'an upstream that hangs, refuses or resets is an error of its own kind',
    clause: 'basic/lifecycle#timeouts',
  },
  { id: 'MCP-UP-05', text: 'concurrent calls get their own answers', clause: `${jsonRpc}#response_object` },
  {
    id: 'MCP-UP-06',
    text: 'answers are taken from JSON and from event streams',
    clause: 'basic/transports#sending-messages-to-the-server',
  },
  { id: 'MCP-UP-07', text: "an upstream's own JSON-RPC error passes through", clause: `${jsonRpc}#error_object` },
  {
    id: 'MCP-UP-08',
    text: 'an aborted call is cancelled at the upstream',
    clause: 'basic/utilities/cancellation#cancellation-flow',
  },
  {
    id: 'MCP-UP-09',
    text: 'an upstream that refuses initialize is asked by server/discover, and spoken to in 2026-07-28 from then on',
    clause: '2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions',
  },
  {
    id: 'MCP-UP-10',
    text: 'requests of 2026-07-28 say in _meta and in headers who asks for what',
    clause: '2026-07-28/basic/transports/streamable-http#request-metadata',
  },
  {
    id: 'MCP-UP-11',
    text: 'input that an upstream requires comes from its client, whatever version that speaks',
    clause: '2026-07-28/basic/patterns/mrtr#basic-workflow',
  },
  {
    id: 'MCP-UP-12',
    text: 'what a client subscribed to at an upstream of 2026-07-28 is told on a stream of subscriptions/listen',
    clause: '2026-07-28/basic/patterns/subscriptions#opening-a-stream',
  },
  {
    id: 'MCP-STATELESS-01',
    text: 'server/discover tells the versions that are spoken and what is offered',
    clause: '2026-07-28/server/discover#response',
  },
  {
    id: 'MCP-STATELESS-02',
    text: 'a request without the _meta that it must have is -32602 with 400',
    clause: '2026-07-28/basic/index#meta',
  },
  {
    id: 'MCP-STATELESS-03',
    text: 'headers that are missing or say something else than the body are -32020 with 400',
    clause: '2026-07-28/basic/transports/streamable-http#server-validation',
  },
  {
    id: 'MCP-STATELESS-04',
    text: 'a version that is not spoken is -32022 with 400 and tells those that are',
    clause: '2026-07-28/basic/versioning#protocol-version-negotiation',
  },
  {
    id: 'MCP-STATELESS-05',
    text: 'a method that the revision does not have is -32601 with 404',
    clause: '2026-07-28/basic/transports/streamable-http#protocol-version-header',
  },
  {
    id: 'MCP-STATELESS-06',
    text: 'every result tells its type and who answered',
    clause: '2026-07-28/basic/index#result-responses',
  },
  {
    id: 'MCP-STATELESS-07',
    text: 'lists and read resources tell how long they may be kept, and by whom',
    clause: '2026-07-28/server/utilities/caching#cacheable-results',
  },
  {
    id: 'MCP-STATELESS-08',
    text: 'no session is opened, and a session id is ignored; GET and DELETE are 405',
    clause: '2026-07-28/basic/transports/streamable-http#earlier-streamable-http-revisions',
  },
  {
    id: 'MCP-STATELESS-09',
    text: 'what an upstream asks its client for in a result goes to the client, and the answers with the next request',
    clause: '2026-07-28/basic/patterns/mrtr#basic-workflow',
  },
  {
    id: 'MCP-STATELESS-10',
    text: 'progress and log messages go out before the answer when the request asked for them, and nothing else does',
    clause: '2026-07-28/basic/transports/streamable-http#receiving-messages',
  },
  {
    id: 'MCP-STATELESS-11',
    text: 'an unknown resource is -32602',
    clause: '2026-07-28/basic/index#error-codes',
  },
  {
    id: 'MCP-STATELESS-12',
    text: 'arguments that a tool wants in headers must stand there too',
    clause: '2026-07-28/basic/transports/streamable-http#server-behavior-for-custom-headers',
  },
  {
    id: 'MCP-STATELESS-13',
    text: 'older and newer clients are served on the same paths, each request by what it states',
    clause: '2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions',
  },
  {
    id: 'MCP-STATELESS-14',
    text: 'an aborted request is cancelled',
    clause: '2026-07-28/basic/transports/streamable-http#cancellation',
  },
  {
    id: 'MCP-LISTEN-01',
    text: 'subscriptions/listen opens a stream that first acknowledges what it will tell',
    clause: '2026-07-28/basic/patterns/subscriptions#acknowledgment',
  },
  {
    id: 'MCP-LISTEN-02',
    text: 'a stream tells the changes that were asked for, with its mark, and no others',
    clause: '2026-07-28/basic/patterns/subscriptions#receiving-notifications',
  },
  {
    id: 'MCP-LISTEN-03',
    text: 'a stream that the gateway ends is told so; streams are bounded in number',
    clause: '2026-07-28/basic/patterns/subscriptions#cancellation',
  },
  {
    id: 'MCP-WIRE-01',
    text: 'the SSE transport and WebSockets carry a session: initialize, lists, calls',
    clause: '2024-11-05/basic/transports#http-with-sse',
  },
  {
    id: 'MCP-WIRE-02',
    text: 'calls of one connection run side by side',
    clause: '2024-11-05/basic/transports#http-with-sse',
  },
  {
    id: 'MCP-WIRE-03',
    text: 'upstreams reach the client of a connection with requests and notifications',
    clause: 'client/sampling#creating-messages',
  },
  {
    id: 'MCP-WIRE-04',
    text: 'a cancelled request and those of a closed connection are aborted',
    clause: 'basic/utilities/cancellation#behavior-requirements',
  },
  {
    id: 'MCP-WIRE-05',
    text: 'connections take batches where the version has them',
    clause: '2025-03-26/basic#batching',
  },
  {
    id: 'MCP-WIRE-06',
    text: 'what is no message is refused and ends no connection',
    clause: `${jsonRpc}#error_object`,
  },
  {
    id: 'MCP-WIRE-07',
    text: 'a connection does not outlive the token that opened it',
    clause: 'basic/authorization#token-handling',
  },
  {
    id: 'MCP-WIRE-08',
    text: 'a stop waits for the calls of connections and tells their answers',
    clause: 'basic/lifecycle#shutdown',
  },
  {
    id: 'MCP-WIRE-09',
    text: 'connections count as sessions and are bounded',
    clause: 'basic/transports#session-management',
  },
  {
    id: 'MCP-SSE-01',
    text: 'the first event of an SSE connection is the address to POST to',
    clause: '2024-11-05/basic/transports#http-with-sse',
  },
  {
    id: 'MCP-SSE-02',
    text: 'messages are taken with 202 and answered on the stream',
    clause: '2024-11-05/basic/transports#http-with-sse',
  },
  {
    id: 'MCP-SSE-03',
    text: 'an SSE session is bound to its user and path on GET and POST',
    clause: 'basic/security_best_practices#session-hijacking',
  },
  {
    id: 'MCP-SSE-04',
    text: 'an SSE session ends with its stream',
    clause: '2024-11-05/basic/transports#http-with-sse',
  },
  { id: 'MCP-SSE-05', text: 'a quiet SSE stream is kept alive', clause: '2024-11-05/basic/transports#http-with-sse' },
  { id: 'MCP-WS-01', text: 'the WebSocket subprotocol is mcp', clause: 'basic/transports#custom-transports' },
  {
    id: 'MCP-WS-02',
    text: 'a WebSocket handshake without token, from a foreign page or to nowhere is refused with its HTTP status',
    clause: 'basic/transports#security-warning',
  },
  {
    id: 'MCP-WS-03',
    text: 'WebSocket messages are text of bounded size',
    clause: 'basic/transports#custom-transports',
  },
  {
    id: 'MCP-WS-04',
    text: 'a WebSocket that does not answer pings is let go',
    clause: 'basic/transports#custom-transports',
  },
  {
    id: 'MCP-WS-05',
    text: 'a WebSocket that the gateway ends is told why',
    clause: 'basic/transports#custom-transports',
  },
  {
    id: 'MCP-WS-06',
    text: 'a WebSocket whose reader stops is let go, with at most 1 MB waiting for it',
    clause: 'basic/transports#custom-transports',
  },
  {
    id: 'MCP-PY-01',
    text: 'the official Python client works without sessions, in a session and over the SSE transport',
    clause: '2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions',
  },
];

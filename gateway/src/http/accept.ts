// Which of the two media types of Streamable HTTP an Accept header takes (RFC 9110 §12.5.1; q=0 means "not this").

export interface Accepted {
  json: boolean;
  sse: boolean;
}

const both: Accepted = { json: true, sse: true };
/** What MCP clients really send, so that most requests need no parsing. */
const known = new Map<string, Accepted>([
  ['application/json, text/event-stream', both],
  ['application/json', { json: true, sse: false }],
  ['text/event-stream', { json: false, sse: true }],
  ['*/*', both],
]);

/** No header takes everything. */
export function readAccept(header: string | undefined): Accepted {
  if (header === undefined) return both;
  return known.get(header) ?? parseAccept(header);
}

function parseAccept(header: string): Accepted {
  const accepted: Accepted = { json: false, sse: false };
  for (const item of header.toLowerCase().split(',')) {
    const [type = '', ...parameters] = item.split(';').map((part) => part.trim());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) continue;
    if (type === '*/*' || type === 'application/*' || type === 'application/json') accepted.json = true;
    if (type === '*/*' || type === 'text/*' || type === 'text/event-stream') accepted.sse = true;
  }
  return accepted;
}

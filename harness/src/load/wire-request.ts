// A prepared request as the bytes that go over the wire, built once before the load.
import type { PreparedRequest } from './driver.ts';

/** @throws Error when a header would break the request apart. */
export function toWire(request: PreparedRequest, baseUrl: URL, token: string): Buffer {
  const body = Buffer.from(request.body ?? '', 'utf8');
  const headers: Record<string, string> = { host: baseUrl.host, connection: 'keep-alive', ...request.headers };
  if (request.auth && token !== '') headers['authorization'] = `Bearer ${token}`;
  if (body.length > 0 || request.method === 'POST' || request.method === 'PUT') {
    headers['content-length'] = String(body.length);
  }
  const path = `${baseUrl.pathname.replace(/\/$/, '')}${request.path}`;
  const lines = [`${request.method} ${path} HTTP/1.1`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (lines.some((line) => /[\r\n]/.test(line))) throw new Error(`request ${request.name}: line break in a header`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8'), body]);
}

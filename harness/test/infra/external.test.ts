import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { external } from '../../src/infra/external.ts';
import type { InfrastructureRequest } from '../../src/infra/infrastructure.ts';
import { scratchFolder } from './processes.ts';

type Answers = Record<string, [number, unknown]>;

const gateway: Answers = {
  '/health': [200, { status: 'healthy' }],
  '/gateways': [200, []],
  '/version': [200, { name: 'a-gateway', version: '1.2.3' }],
};

const seen: { path: string; authorization: string | undefined }[] = [];

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answering(answers: Answers): Promise<string> {
  return serve((request, response) => {
    const path = request.url ?? '';
    seen.push({ path, authorization: request.headers.authorization });
    const [status, body] = answers[path] ?? [404, { detail: 'Not Found' }];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function start(url: string, upstreamUrl = 'http://127.0.0.1:9/mcp', signal = new AbortController().signal) {
  const request: InfrastructureRequest = {
    profile: {
      id: 'external',
      description: '',
      kind: 'external',
      serverProfile: 'standard',
      postgres: { version: '17', profile: 'default' },
      upstream: { servers: 1, tools: 1, resources: 1, prompts: 1 },
    },
    serverProfile: { id: 'standard', description: '', settings: {} },
    postgresProfile: { id: 'default', description: '', settings: {} },
    subjects: [],
    runFolder: scratchFolder(),
    gatewayEnvironment: {},
    target: { url, token: 'top-secret', upstreamUrl },
    report: () => {},
  };
  return external.start(request, signal);
}

describe('a gateway that runs already', () => {
  it('is accepted with its version and the named upstream', async () => {
    await using running = await start(`${await answering(gateway)}/`);
    expect(running.gateways.current?.subject.build).toBe('1.2.3');
    expect(running.gateways.current?.url).not.toMatch(/\/$/);
    expect(running.upstreams).toEqual([{ name: 'fast_time', url: 'http://127.0.0.1:9' }]);
    expect(running.processes()).toEqual([]);
    expect(await running.restartGateway('current')).toBe(false);
  });

  it('gets the token for everything but its health', async () => {
    seen.length = 0;
    await using _running = await start(await answering(gateway));
    expect(seen).toContainEqual({ path: '/health', authorization: undefined });
    expect(seen).toContainEqual({ path: '/gateways', authorization: 'Bearer top-secret' });
  });

  it('may nest its version as ContextForge does', async () => {
    const url = await answering({ ...gateway, '/version': [200, { app: { name: 'MCP_Gateway', version: '1.0.7' } }] });
    await using running = await start(url);
    expect(running.gateways.current?.subject.build).toBe('1.0.7');
  });

  it('that nobody listens for is TARGET_DOWN', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(start(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'TARGET_DOWN', exitCode: 3 });
  });

  it('that answers 503 is TARGET_DOWN with the status', async () => {
    const url = await answering({ '/health': [503, {}] });
    await expect(start(url)).rejects.toThrow(/TARGET_DOWN.*answered 503/);
  });

  it.each([401, 403])('that answers %i is TARGET_UNAUTHORIZED', async (status) => {
    const url = await answering({ ...gateway, '/gateways': [status, {}] });
    await expect(start(url)).rejects.toMatchObject({ code: 'TARGET_UNAUTHORIZED' });
  });

  it.each([
    ['a web page', { '/health': [200, '<html>Welcome</html>'] }],
    ['another service', { '/health': [200, { ok: true }] }],
    ['a redirect', { '/health': [302, ''] }],
    ['no registry', { '/health': [200, { status: 'healthy' }] }],
  ] as [string, Answers][])('that turns out to be %s is TARGET_NONSENSE', async (_what, answers) => {
    await expect(start(await answering(answers))).rejects.toMatchObject({ code: 'TARGET_NONSENSE' });
  });

  it('that does not speak HTTP is TARGET_NONSENSE', async () => {
    const server = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await expect(start(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'TARGET_NONSENSE' });
  });

  it('never gets its token into a message, not even when it repeats it', async () => {
    const url = await answering({ ...gateway, '/gateways': [404, { detail: 'no: top-secret' }] });
    const error = await start(url).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('<token>');
    expect(String(error)).not.toContain('top-secret');
  });

  it('that hangs is given up on Ctrl-C at once', async () => {
    const url = await serve(() => {});
    await expect(start(url, undefined, AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('is refused as bad usage when its address is none', async () => {
    await expect(start('localhost:4444')).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 });
  });
});

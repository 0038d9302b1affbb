import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { register } from '../../src/infra/registration.ts';

const TOKEN = 'a-token-that-nobody-may-see';
const upstreams = ['one', 'two', 'three'].map((name) => ({ name, url: `http://${name}` }));
const { signal } = new AbortController();

/** The registry of a gateway: keeps what is posted and lists it. `answer` may answer a POST itself, then or never. */
async function startFakeGateway(answer: (name: string, response: ServerResponse) => boolean = () => false) {
  const rows = { gateways: new Map<string, string>(), servers: new Map<string, string>() };
  let ids = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const [, path = '', id = ''] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
    const kind = path as keyof typeof rows;
    if (request.method === 'GET') {
      return response.end(JSON.stringify([...(rows[kind] ?? [])].map(([id, name]) => ({ id, name }))));
    }
    if (request.method === 'DELETE') return response.writeHead(rows[kind].delete(id) ? 204 : 404).end();
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as { name: string; server?: { name: string } };
    const name = body.server?.name ?? body.name;
    if (answer(name, response)) return;
    ids += 1;
    rows[kind].set(`${ids}`, name);
    response.end(JSON.stringify({ id: `${ids}`, name }));
  };
  const server = createServer(handle).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { gateway: { url: `http://127.0.0.1:${port}`, token: TOKEN }, rows };
}

it('everything that was registered is removed again, and nothing else', async () => {
  const { gateway, rows } = await startFakeGateway();
  rows.gateways.set('theirs', 'one');
  rows.servers.set('theirs', 'virtual');
  const registration = await register(gateway, upstreams, 'run-1-', signal);
  expect([...rows.gateways.values()].sort()).toEqual(['one', 'run-1-one', 'run-1-three', 'run-1-two']);
  expect([...rows.servers.values()]).toEqual(['virtual', 'run-1-virtual']);
  await registration.remove();
  expect([...rows.gateways.keys(), ...rows.servers.keys()]).toEqual(['theirs', 'theirs']);
});

it('when one is refused, those that are on their way are removed too', async () => {
  let onRegistered = () => {};
  const registered = new Promise<void>((resolve) => {
    onRegistered = resolve;
  });
  const { gateway, rows } = await startFakeGateway((name, response) => {
    if (name === 'one') response.writeHead(500).end('broken');
    if (name === 'two') {
      // Long after the first was refused. Without a prefix only its answer tells its id.
      setTimeout(() => {
        rows.gateways.set('slow', name);
        response.end(JSON.stringify({ id: 'slow', name }));
        onRegistered();
      }, 200);
    }
    return name !== 'three';
  });
  await expect(register(gateway, upstreams, '', signal)).rejects.toMatchObject({ code: 'TARGET_NONSENSE' });
  await registered;
  expect([...rows.gateways.values()]).toEqual([]);
});

it('what an interrupted request has registered all the same is found by its name', async () => {
  const controller = new AbortController();
  const { gateway, rows } = await startFakeGateway((name) => {
    if (name !== 'run-1-two') return false;
    rows.gateways.set('unanswered', name);
    controller.abort();
    return true;
  });
  rows.gateways.set('theirs', 'two');
  await expect(register(gateway, upstreams, 'run-1-', controller.signal)).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
  expect([...rows.gateways.keys()]).toEqual(['theirs']);
});

it('one that cannot be deleted does not keep the others', async () => {
  const { gateway, rows } = await startFakeGateway();
  const registration = await register(gateway, upstreams, '', signal);
  const [first = ''] = rows.gateways.keys();
  rows.gateways.delete(first);
  for (let row = 0; row < 30; row++) rows.servers.set(`load-${row}`, `load-${row}`);
  expect(await registration.removeCreated('load-')).toBe(30);
  await expect(registration.remove()).rejects.toThrow(/DELETE \/gateways\/\d+ answered 404/);
  expect([...rows.gateways.keys(), ...rows.servers.keys()]).toEqual([]);
});

it('a refusal that repeats the token is told without it', async () => {
  const { gateway } = await startFakeGateway((_name, response) => {
    response.writeHead(401).end(`${'x'.repeat(290)}${TOKEN} is not a token, nor is Bearer ${TOKEN}`);
    return true;
  });
  const refused = register(gateway, upstreams, '', signal);
  await expect(refused).rejects.toMatchObject({ code: 'TARGET_UNAUTHORIZED' });
  await expect(refused).rejects.toThrow(/x\[token\]/);
  await expect(refused).rejects.not.toThrow(/a-token/);
});

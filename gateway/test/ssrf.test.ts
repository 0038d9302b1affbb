import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { expect, it } from 'vitest';
import { createAddressGuard } from '../src/ssrf.ts';
import { configOf } from './config-of.ts';

const refused = expect.objectContaining({ code: 'GW_ADDRESS_REFUSED' });

async function isAllowed(url: string, settings: Record<string, string> = {}): Promise<boolean> {
  return createAddressGuard(configOf(settings))
    .check(url)
    .then(
      () => true,
      (error: unknown) => {
        expect(error).toEqual(refused);
        return false;
      },
    );
}

it.each([
  'http://169.254.169.254/latest/meta-data',
  'http://[fe80::1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://2852039166/', // 169.254.169.254 as one number
  'http://0.0.0.0:4444/',
  'http://224.0.0.1/',
  'http://metadata.google.internal/',
  // Metadata services that are not link-local.
  'http://[fd00:ec2::254]/latest/meta-data',
  'http://[fd20:ce::254]/',
  'http://100.100.100.200/latest/meta-data',
  'http://168.63.129.16/machine',
  'http://192.0.0.192/latest',
  // 169.254.169.254 by way of NAT64 (public and local prefix), 6to4, Teredo, SIIT, and as the old IPv4-compatible address.
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[64:ff9b:1::a9fe:a9fe]/',
  'http://[2002:a9fe:a9fe::1]/',
  'http://[2001:0:1:2:3:4:5601:5601]/',
  'http://[::ffff:0:a9fe:a9fe]/',
  'http://[::169.254.169.254]/',
])('never lets %s be called, whatever is allowed', async (url) => {
  const open = { SSRF_ALLOW_PRIVATE_NETWORKS: 'true', SSRF_ALLOWED_NETWORKS: '0.0.0.0/0,::/0' };
  expect(await isAllowed(url, open)).toBe(false);
});

it('lets private networks be called only by setting', async () => {
  for (const url of ['http://10.0.0.1/', 'http://192.168.1.1/mcp', 'http://172.16.0.9/', 'http://[fd00::1]/']) {
    expect(await isAllowed(url)).toBe(false);
    expect(await isAllowed(url, { SSRF_ALLOW_PRIVATE_NETWORKS: 'true' })).toBe(true);
  }
  expect(await isAllowed('http://10.1.2.3/', { SSRF_ALLOWED_NETWORKS: '10.1.0.0/16' })).toBe(true);
  expect(await isAllowed('http://10.2.2.3/', { SSRF_ALLOWED_NETWORKS: '10.1.0.0/16' })).toBe(false);
});

it.each([
  'http://198.18.0.1/',
  'http://240.0.0.1/',
  'http://192.0.2.1/',
  'http://203.0.113.9/',
  'http://[2001:db8::1]/',
  'http://[2002:808:808::1]/',
  'http://[2001:0:1::1]/',
  'http://[64:ff9b:1::808:808]/',
  'http://[::8.8.8.8]/',
  'http://[100::1]/',
  'http://[4000::1]/',
])('lets %s, which is neither public nor private, be called only when it is named', async (url) => {
  expect(await isAllowed(url, { SSRF_ALLOW_PRIVATE_NETWORKS: 'true' })).toBe(false);
  expect(await isAllowed(url, { SSRF_ALLOWED_NETWORKS: '0.0.0.0/0,::/0' })).toBe(true);
});

it('judges what a NAT64 gateway makes of an address: public ones pass, the others are as they are without it', async () => {
  expect(await isAllowed('http://[64:ff9b::808:808]/')).toBe(true);
  expect(await isAllowed('http://[2606:4700::1111]/')).toBe(true);
  const settings = { SSRF_BLOCKED_NETWORKS: '8.8.0.0/16' };
  expect(await isAllowed('http://[64:ff9b::808:808]/', settings)).toBe(false);
  for (const url of ['http://[64:ff9b::a00:1]/', 'http://[fec0::1]/', 'http://100.64.0.1/']) {
    expect(await isAllowed(url), url).toBe(false);
    expect(await isAllowed(url, { SSRF_ALLOW_PRIVATE_NETWORKS: 'true' }), url).toBe(true);
  }
});

it('lets this machine be called unless it is switched off, by address and by name', async () => {
  for (const url of ['http://127.0.0.1:9/', 'http://[::1]:9/', 'http://localhost:9/', 'http://127.1:9/']) {
    expect(await isAllowed(url)).toBe(true);
    expect(await isAllowed(url, { SSRF_ALLOW_LOCALHOST: 'false' })).toBe(false);
  }
});

it('refuses networks and hosts that are named', async () => {
  expect(await isAllowed('http://8.8.8.8/')).toBe(true);
  expect(await isAllowed('http://8.8.8.8/', { SSRF_BLOCKED_NETWORKS: '8.8.0.0/16' })).toBe(false);
  expect(await isAllowed('http://localhost/', { SSRF_BLOCKED_HOSTS: 'localhost' })).toBe(false);
});

it('judges nothing when it is switched off', async () => {
  expect(await isAllowed('http://169.254.169.254/', { SSRF_PROTECTION_ENABLED: 'false' })).toBe(true);
});

it('judges again when a connection is opened: a name that leads elsewhere by then gets nowhere', async () => {
  const server = createServer((_, response) => response.end('reached'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const config = configOf({});
  const pool = new Pool(origin, { connect: { lookup: createAddressGuard(config).lookup } });
  try {
    const reached = await pool.request({ path: '/', method: 'GET' });
    expect(await reached.body.text()).toBe('reached');
    await pool.close();
    config.SSRF_ALLOW_LOCALHOST = false; // as if the name now led to an address that is refused
    const other = new Pool(origin, { connect: { lookup: createAddressGuard(config).lookup } });
    await expect(other.request({ path: '/', method: 'GET' })).rejects.toEqual(refused);
    await other.destroy();
  } finally {
    server.close();
  }
});

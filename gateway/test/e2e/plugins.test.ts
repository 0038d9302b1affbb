// A running gateway with a plugin file: a module beside it, and the filters that come with the gateway.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithSqlite } from '../databases.ts';
import { runGateway, secret, startGateway } from './gateway-process.ts';
import { type SdkUpstream, startSdkUpstream } from './sdk-upstream.ts';

const file = `
plugins:
  - name: greeting
    kind: ./greeting.mjs
    hooks: [tool_pre_invoke]
    priority: 1
    config: { greeting: 'hello, ' }
  - name: numbers
    kind: regex_filter
    hooks: [tool_post_invoke]
    config: { words: [{ search: '\\d\\d\\d\\d', replace: '####' }] }
  - name: words
    kind: deny_filter
    hooks: [tool_pre_invoke]
    config: { words: [drop table] }
`;
const greeting = `export default ({ greeting }) => ({
  tool_pre_invoke: (call) => ({ payload: { ...call, arguments: { ...call.arguments, text: greeting + call.arguments.text } } }),
});`;

describeWithSqlite('plugins of a running gateway', () => {
  let folder = '';
  let upstream: SdkUpstream;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-plugins-'));
    await writeFile(join(folder, 'greeting.mjs'), greeting);
    await writeFile(join(folder, 'plugins.yaml'), file);
    await writeFile(join(folder, 'broken.yaml'), file.replace('greeting.mjs', 'absent.mjs'));
    upstream = await startSdkUpstream(true);
  });
  afterAll(async () => {
    await upstream?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const settings = (name: string, environment: Record<string, string>) => ({
    DATABASE_URL: `sqlite:///${join(folder, `${name}.db`)}`,
    SSRF_ALLOW_LOCALHOST: 'true',
    PLUGINS_CONFIG_FILE: join(folder, `${name}.yaml`),
    ...environment,
  });
  const echo = (text: string) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'sdk-echo-text', arguments: { text } },
  });

  it('changes arguments and results and stops calls, and does nothing of it while PLUGINS_ENABLED is off', async () => {
    for (const isOn of [true, false]) {
      await using gateway = await startGateway(settings('plugins', { PLUGINS_ENABLED: String(isOn) }));
      await gateway.rest('POST', '/gateways', { name: 'sdk', url: upstream.url });
      const called = JSON.stringify((await gateway.rest('POST', '/rpc', echo('1234 times'))).body);
      expect(called).toContain(isOn ? 'hello, #### times' : '1234 times');
      const stopped = JSON.stringify((await gateway.rest('POST', '/rpc', echo('please DROP TABLE users'))).body);
      expect(stopped.includes('GW_PLUGIN_STOPPED')).toBe(isOn);
    }
  });

  it('does not start with a plugin that is not there, and says which', async () => {
    const environment = { PORT: '0', JWT_SECRET_KEY: secret, ...settings('broken', { PLUGINS_ENABLED: 'true' }) };
    const { exitCode, stderr } = await runGateway(['serve'], environment);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/GW_PLUGIN_INVALID.*plugin greeting \(\.\/absent\.mjs\) cannot be loaded/s);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { aliases } from '../../src/config/aliases.ts';
import { meaningless, toldMeaningless } from '../../src/config/meaningless.ts';
import { presets } from '../../src/config/presets.ts';
import { refused } from '../../src/config/refused.ts';
import { printSettings, showSettings } from '../../src/config/show.ts';
import { readSettings, withoutFile } from '../../src/config/sources.ts';
import { Config, changeConfig, resolveConfig, secrets } from '../../src/config.ts';
import { testSecret } from '../config-of.ts';

const base = { JWT_SECRET_KEY: testSecret };

it('prefers the command line to the environment, that to the .env file, and that to the preset; and tells which it was', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebench-'));
  const envFile = join(folder, '.env');
  writeFileSync(envFile, 'LOG_LEVEL=warn\nBACKLOG=100\nPORT=1\nHOST=::1\n');
  const options = { preset: 'development', envFile, port: '3' };
  const resolved = readSettings(options, { ...base, PORT: '2', HOST: '127.0.0.2', GUNICORN_WORKERS: '2' });
  rmSync(folder, { recursive: true });
  expect(resolved.config).toMatchObject({ PORT: 3, HOST: '127.0.0.2', LOG_LEVEL: 'warn', BACKLOG: 100, WORKERS: '2' });
  expect(resolved.origins).toMatchObject({
    PORT: 'command line',
    HOST: 'environment',
    LOG_LEVEL: envFile,
    ENABLE_METRICS: 'preset development',
    WORKERS: 'environment (GUNICORN_WORKERS)',
    BACKPRESSURE: 'default',
  });
});

it('prints settings so that an .env file of them says the same, texts of several lines too', () => {
  const robots = ['User-agent: *\nDisallow: /a # all', 'a "quoted"\ntext', "it's #1"];
  for (const settings of [{}, ...robots.map((text) => ({ WELL_KNOWN_ROBOTS_TXT: text }))]) {
    const resolved = resolveConfig([{ name: 'x', values: { ...base, ...settings } }]);
    const read = parseEnv(printSettings(resolved));
    for (const [name, value] of Object.entries(resolved.config)) {
      if (!secrets.has(name)) expect(read[name], name).toBe(String(value));
    }
  }
});

it('refuses a preset that there is not, and a file that cannot be read', () => {
  expect(() => readSettings({ preset: 'huge' }, base)).toThrow(/mcp-only, full-featured, development, got huge/);
  expect(() => readSettings({ envFile: '/nowhere/.env' }, base)).toThrow(/--env-file cannot be read/);
});

it('takes what stands in the .env file for the file’s, also where Node has put it into the environment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebench-'));
  const envFile = join(folder, '.env');
  writeFileSync(envFile, 'LOG_LEVEL=warn\nBACKLOG=100\n');
  const environment = withoutFile({ ...base, LOG_LEVEL: 'warn', BACKLOG: '200' }, envFile);
  writeFileSync(envFile, 'LOG_LEVEL=debug\nBACKLOG=300\n');
  const { config, origins } = readSettings({ envFile }, environment);
  rmSync(folder, { recursive: true });
  expect(config).toMatchObject({ LOG_LEVEL: 'debug', BACKLOG: 200 });
  expect(origins).toMatchObject({ LOG_LEVEL: envFile, BACKLOG: 'environment' });
  expect(withoutFile(environment, '/nowhere/.env')).toBe(environment);
});

it('asks for both files of a certificate with --http2', () => {
  expect(() => readSettings({ http2: true }, base)).toThrow(/CERT_FILE must name[\s\S]*KEY_FILE must name/);
});

it('prints every setting with its origin, and no secret', () => {
  const text = printSettings(readSettings({ preset: 'mcp-only' }, { ...base, CACHE_TYPE: 'memory' }));
  for (const name of Object.keys(Config.properties)) expect(text).toContain(`\n${name}=`);
  expect(text).toContain('COMPRESSION_ENABLED=false  # preset mcp-only');
  expect(text).toContain('CACHE_TYPE=memory  # environment');
  expect(text).toContain('JWT_SECRET_KEY=<hidden>  # environment');
  expect(text).not.toContain(testSecret);
});

it('puts every setting into a section', () => {
  for (const [name, { section }] of Object.entries(showSettings(readSettings({}, base))))
    expect(section, name).not.toBe('');
});

/** Other parts of the gateway still have to bring these; the list may only get shorter. */
const pending = new Set(['MCPGATEWAY_UI_ENABLED', 'MCPGATEWAY_ADMIN_API_ENABLED', 'PLUGINS_ENABLED']);

it('has presets of known settings only: built, or refused when switched on', () => {
  const known = new Set([
    ...Object.keys(Config.properties),
    ...Object.keys(aliases),
    ...Object.keys(refused),
    ...Object.keys(meaningless),
  ]);
  const named = new Set(Object.values(presets).flatMap((preset) => Object.keys(preset)));
  const unknown = [...named].filter((name) => !known.has(name));
  expect(unknown.filter((name) => !pending.has(name))).toEqual([]);
});

it('names the settings of the source that change nothing here, with the reason', () => {
  expect(toldMeaningless({ GRANIAN_LOOP: 'uvloop', REDIS_PARSER: '' })).toEqual([
    { name: 'GRANIAN_LOOP', reason: meaningless['GRANIAN_LOOP'] },
  ]);
});

it('changes live settings, all or nothing, and tells every fault', () => {
  const { config } = readSettings({}, base);
  expect(changeConfig(config, { BACKPRESSURE: 3, LOG_LEVEL: 'warn' })).toMatchObject({
    BACKPRESSURE: 3,
    LOG_LEVEL: 'warn',
  });
  expect(config.BACKPRESSURE).toBe(512);
  expect(() => changeConfig(config, { BACKPRESSURE: 0, PORT: 5, NONSENSE: 1 })).toThrow(
    expect.objectContaining({
      faults: expect.arrayContaining([
        expect.objectContaining({ path: '/BACKPRESSURE' }),
        expect.objectContaining({ path: '/PORT', message: expect.stringContaining('restart') }),
        expect.objectContaining({ path: '/NONSENSE' }),
      ]),
    }),
  );
});

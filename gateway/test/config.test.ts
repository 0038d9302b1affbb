import { expect, it } from 'vitest';
import { Config, loadConfig, sections } from '../src/config.ts';
import { GatewayError } from '../src/errors.ts';
import { testSecret } from './config-of.ts';

function faultsOf(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'GW_CONFIG_INVALID') return error.detail.split('\n');
    throw error;
  }
  return [];
}

it('fills in every default when only the secret is set', () => {
  const config = loadConfig({ JWT_SECRET_KEY: testSecret });
  expect(Object.keys(config).toSorted()).toEqual(Object.keys(Config.properties).toSorted());
  expect(config).toMatchObject({ HOST: '127.0.0.1', PORT: 4444, TOOL_TIMEOUT: 60, PAGINATION_DEFAULT_PAGE_SIZE: 50 });
});

it('describes every setting', () => {
  for (const [name, schema] of Object.entries(Config.properties)) {
    expect(schema, name).toMatchObject({ description: expect.stringMatching(/./), default: expect.anything() });
  }
});

it('reads numbers and booleans as people write them', () => {
  const config = loadConfig({
    JWT_SECRET_KEY: testSecret,
    PORT: ' 0 ',
    TOOL_TIMEOUT: '1.5',
    AUTH_REQUIRED: 'True',
    JWT_CACHE_ENABLED: 'off',
    METRICS_AUTH_REQUIRED: '0',
    HOST: '',
  });
  expect(config).toMatchObject({
    PORT: 0,
    TOOL_TIMEOUT: 1.5,
    AUTH_REQUIRED: true,
    JWT_CACHE_ENABLED: false,
    METRICS_AUTH_REQUIRED: false,
    HOST: '127.0.0.1',
  });
});

it('tells all faults at once, with the values seen', () => {
  const faults = faultsOf({ PORT: 'http', DB_POOL_SIZE: '0', LOG_LEVEL: 'loud', AUTH_REQUIRED: 'maybe' });
  for (const name of ['PORT', 'DB_POOL_SIZE', 'LOG_LEVEL', 'AUTH_REQUIRED', 'JWT_SECRET_KEY']) {
    expect(faults.join('\n')).toContain(`/${name} `);
  }
  expect(faults.join('\n')).toContain('"http"');
});

it('says what is allowed, and where the value came from, so that nobody has to read a schema', () => {
  const faults = faultsOf({
    ...{ WORKERS: 'many', LOG_LEVEL: 'loud', SSL: 'perhaps', BACKLOG: '0', DB_POOL_TIMEOUT: 'x' },
    ...{ GUNICORN_TIMEOUT: '-1', JWT_SECRET_KEY: testSecret },
  });
  const said = (name: string) => faults.find((fault) => fault.includes(`/${name} `));
  expect(said('WORKERS')).toMatch(/is not what it must be: worker processes; auto: .*, got "many" \(environment\)$/);
  expect(said('LOG_LEVEL')).toMatch(/must be one of fatal, error, .*, silent, got "loud" \(environment\)$/);
  expect(said('SSL')).toMatch(/must be true or false, got "perhaps"/);
  expect(said('BACKLOG')).toMatch(/must be a whole number from 1 to 65535: connections .*, got 0/);
  expect(said('DB_POOL_TIMEOUT')).toMatch(/must be a number from 0.01 to 600: .* \(seconds\), got "x"/);
  expect(said('TIMEOUT')).toMatch(/\(environment \(GUNICORN_TIMEOUT\)\)$/);
  expect(faults).toHaveLength(6);
});

it('tells as many faults as there are settings', () => {
  const numbers = Object.entries(Config.properties).filter(([, schema]) => 'maximum' in schema);
  const faults = faultsOf(Object.fromEntries(numbers.map(([name]) => [name, 'x'])));
  expect(numbers.length).toBeGreaterThan(15);
  for (const [name] of numbers) expect(faults.join('\n')).toContain(`/${name} `);
});

it('shows no secret in a message', () => {
  const faults = faultsOf({ JWT_SECRET_KEY: 'too-short', DATABASE_URL: 'mysql://user:word@host/db' }).join('\n');
  expect(faults).toContain('/JWT_SECRET_KEY');
  expect(faults).toContain('/DATABASE_URL');
  expect(faults).not.toMatch(/too-short|word/);
});

it('asks for no secret when nobody has to show a token', () => {
  expect(loadConfig({ AUTH_REQUIRED: 'false' }).AUTH_REQUIRED).toBe(false);
  expect(faultsOf({})).toHaveLength(1);
});

it('refuses a default page that is larger than the largest page', () => {
  const faults = faultsOf({ JWT_SECRET_KEY: testSecret, PAGINATION_MAX_PAGE_SIZE: '10' });
  expect(faults).toEqual([expect.stringContaining('/PAGINATION_DEFAULT_PAGE_SIZE must be at most')]);
});

it('knows the other name of the overflow, and prefers its own', () => {
  expect(loadConfig({ JWT_SECRET_KEY: testSecret, DB_POOL_MAX_OVERFLOW: '3' }).DB_MAX_OVERFLOW).toBe(3);
  const both = { JWT_SECRET_KEY: testSecret, DB_POOL_MAX_OVERFLOW: '3', DB_MAX_OVERFLOW: '4' };
  expect(loadConfig(both).DB_MAX_OVERFLOW).toBe(4);
});

it('accepts the database URLs of the source documents', () => {
  for (const scheme of ['postgres', 'postgresql', 'postgresql+psycopg', 'postgresql+psycopg2']) {
    const DATABASE_URL = `${scheme}://user:word@db:5432/mcp`;
    expect(loadConfig({ JWT_SECRET_KEY: testSecret, DATABASE_URL }).DATABASE_URL).toBe(DATABASE_URL);
  }
});

it('has every setting in one section of docs/settings.md', () => {
  const listed = Object.values(sections).flatMap((section) => Object.keys(section));
  expect(listed.toSorted()).toEqual(Object.keys(Config.properties).toSorted());
});

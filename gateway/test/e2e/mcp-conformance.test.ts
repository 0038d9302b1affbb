// The official conformance suite, all server scenarios, against the built gateway in front of an upstream that has what they ask for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type EverythingUpstream, startEverythingUpstream } from './everything-upstream.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

const suite = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);
/** The suite imports `globSync`, which Node 20 has not, for a command that is not run here. */
const shim = `export * from "node:fs"; import * as fs from "node:fs"; export const globSync = fs["globSync"]`;
const hook = `export const resolve = (specifier, context, next) => specifier === "fs" ? { url: "data:text/javascript," + ${JSON.stringify(encodeURIComponent(shim))}, shortCircuit: true } : next(specifier, context)`;
const importShim = `data:text/javascript,${encodeURIComponent(`import { register } from "node:module"; register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(hook))})`)}`;

const scenarios = [
  'server-initialize',
  'logging-set-level',
  'ping',
  'completion-complete',
  'tools-list',
  'tools-call-simple-text',
  'tools-call-image',
  'tools-call-audio',
  'tools-call-embedded-resource',
  'tools-call-mixed-content',
  'tools-call-with-logging',
  'tools-call-error',
  'tools-call-with-progress',
  'tools-call-sampling',
  'tools-call-elicitation',
  'json-schema-2020-12',
  'elicitation-sep1034-defaults',
  'elicitation-sep1330-enums',
  'server-sse-polling',
  'server-sse-multiple-streams',
  'resources-list',
  'resources-read-text',
  'resources-read-binary',
  'resources-templates-read',
  'resources-subscribe',
  'resources-unsubscribe',
  'prompts-list',
  'prompts-get-simple',
  'prompts-get-with-args',
  'prompts-get-embedded-resource',
  'prompts-get-with-image',
  'dns-rebinding-protection',
];

async function runSuite(url: string, folder: string) {
  const child = spawn(
    process.execPath,
    ['--import', importShim, suite, 'server', '--url', url, '--suite', 'all', '--output-dir', folder],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, output };
}

/** Checks that did not fail, but were not passed either. */
async function doubts(folder: string): Promise<unknown[]> {
  const checks = await Promise.all(
    (await readdir(folder)).map(
      async (name) => JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as { status: string }[],
    ),
  );
  expect(checks.length).toBe(scenarios.length);
  return checks.flat().filter(({ status }) => status === 'WARNING' || status === 'FAILURE');
}

describeWithPostgres('the official conformance suite', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let upstream: EverythingUpstream;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-conformance-'));
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('conformance');
    upstream = await startEverythingUpstream();
    await using gateway = await start({});
    expect(await gateway.rest('POST', '/gateways', { name: 'everything', url: upstream.url })).toMatchObject({
      status: expect.toSatisfy((status: number) => status < 300),
    });
    // Public names have the upstream's in front; one scenario looks for this tool in the list by its own name.
    const { body } = await gateway.rest('GET', '/tools?limit=500');
    const tool = (body as { id: string; originalName: string }[]).find(
      ({ originalName }) => originalName === 'json_schema_2020_12_tool',
    );
    const renamed = await gateway.rest('PUT', `/tools/${tool?.id}`, { name: 'json_schema_2020_12_tool' });
    expect(renamed.status).toBe(200);
  });

  afterAll(async () => {
    await upstream?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  function start(environment: Record<string, string>): Promise<GatewayProcess> {
    // The suite has no token to show.
    return startGateway({
      DATABASE_URL: databaseUrl,
      USE_STATEFUL_SESSIONS: 'true',
      AUTH_REQUIRED: 'false',
      ...environment,
    });
  }

  test.each(['true', 'false'])(
    '[MCP-CONF-01] every server scenario passes, JSON_RESPONSE_ENABLED=%s',
    async (isJson) => {
      await using gateway = await start({ JSON_RESPONSE_ENABLED: isJson });
      const { exitCode, output } = await runSuite(`${gateway.url}/mcp`, join(folder, isJson));
      const ran = [...output.matchAll(/=== Running scenario: (\S+) ===/g)].map(([, name]) => name);
      expect(ran.sort()).toEqual([...scenarios].sort());
      expect(exitCode, output).toBe(0);
      expect(await doubts(join(folder, isJson))).toEqual([]);
    },
  );
});

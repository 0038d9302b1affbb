// The gateway in front of the harness' own benchmark servers, as a performance run has it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { describeWithPostgres, startPostgres } from '../postgres.ts';
import { startGateway } from './gateway-process.ts';

/** npm links the workspaces side by side; the package exports nothing, so its manifest is what can be found. */
const gatewayBuild = dirname(createRequire(import.meta.url).resolve('@gatebench/gateway/parse'));
const main = join(gatewayBuild, '../../../harness/dist/src/upstream/main.js');

async function startBenchmarkServers() {
  if (!existsSync(main))
    throw new Error(`the benchmark servers are not built: ${main} is missing. Run \`npm run build\``);
  const child = spawn(process.execPath, [main, '--count', '2'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const { servers } = JSON.parse(line) as { servers: { name: string; url: string }[] };
    return { servers, [Symbol.asyncDispose]: stop };
  }
  throw new Error('the benchmark servers ended before they listened');
}

describeWithPostgres('the benchmark servers behind the gateway', () => {
  test('everything they offer is listed, and a time is converted by the bare name of the tool', async () => {
    await using postgres = await startPostgres();
    await using benchmark = await startBenchmarkServers();
    await using gateway = await startGateway({ DATABASE_URL: await postgres.createDatabase('benchmark') });
    for (const { name, url } of benchmark.servers) {
      const answer = await gateway.rest('POST', '/gateways', { name, url: `${new URL(url).origin}/mcp` });
      expect(answer).toMatchObject({ status: expect.toSatisfy((status: number) => status < 300) });
    }
    const tools: { name: string }[] = [];
    let cursor: string | undefined;
    do {
      const params = cursor === undefined ? {} : { cursor };
      const { body } = await gateway.rest('POST', '/rpc', { jsonrpc: '2.0', id: 1, method: 'tools/list', params });
      const { result } = body as { result: { tools: { name: string }[]; nextCursor?: string } };
      tools.push(...result.tools);
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length);
    const convert = tools.find(({ name }) => name.endsWith('convert-time'));
    const { body } = await gateway.rest('POST', '/rpc', {
      jsonrpc: '2.0',
      id: 2,
      method: convert?.name,
      params: { time: '2025-01-01T12:00:00Z', source_timezone: 'UTC', target_timezone: 'Europe/Berlin' },
    });
    expect(JSON.stringify(body)).toContain('13:00');
  });
});

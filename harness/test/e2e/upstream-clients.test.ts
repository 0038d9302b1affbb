// The official MCP TypeScript client against the benchmark servers, over both transports.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseServersOptions } from '../../src/upstream/options.ts';
import { type RunningServers, startServers } from '../../src/upstream/servers.ts';

let running: RunningServers;
const failures: unknown[] = [];

beforeAll(async () => {
  running = await startServers(parseServersOptions({ count: 1, tools: 7, pageSize: 3 }), (error) =>
    failures.push(error),
  );
});

afterAll(async () => {
  await running.stop();
  expect(failures).toEqual([]);
});

function toUrl(name: string, path: string): URL {
  const server = running.servers.find((each) => each.name === name);
  return new URL(path, server?.url);
}

const transports = {
  'Streamable HTTP': (name: string) => new StreamableHTTPClientTransport(toUrl(name, '/mcp')),
  'HTTP+SSE': (name: string) => new SSEClientTransport(toUrl(name, '/sse')),
};

describe.each(Object.entries(transports))('over %s', (_name, createTransport) => {
  async function withClient(server: string, use: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ name: 'test', version: '0' });
    // The SDK's own types disagree under exactOptionalPropertyTypes: `sessionId` may be undefined there.
    await client.connect(createTransport(server) as Parameters<Client['connect']>[0]);
    try {
      await use(client);
    } finally {
      await client.close();
    }
  }

  test('lists and calls the tools of the fast time server', async () => {
    await withClient('fast_time', async (client) => {
      expect(client.getServerVersion()?.name).toBe('fast_time');
      await client.ping();
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await client.listTools(cursor === undefined ? {} : { cursor });
        for (const tool of page.tools) names.push(tool.name);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(names).toEqual(['get_system_time', 'convert_time', 'analyze_schedule', 'echo_payload', 'delay']);
      const converted = await client.callTool({
        name: 'convert_time',
        arguments: { time: '2025-01-10T10:00:00', source_timezone: 'Europe/Berlin', target_timezone: 'Asia/Kolkata' },
      });
      expect(converted).toEqual({ content: [{ type: 'text', text: '2025-01-10T14:30:00+05:30' }] });
    });
  });

  test('gets structured content that matches the tool’s output schema', async () => {
    await withClient('fast_time', async (client) => {
      // After this, the client itself checks structured content against the schema.
      await client.listTools();
      await client.listTools({ cursor: '1' });
      const entries = [
        { title: 'one', start: '2025-01-10 09:00', end: '2025-01-10 10:00', timezone: 'Europe/Berlin' },
        { title: 'two', start: '2025-01-10 08:30Z', end: '2025-01-10 09:30Z', attendees: ['ann'] },
      ];
      const analysis = await client.callTool({ name: 'analyze_schedule', arguments: { entries } });
      expect(analysis.structuredContent).toMatchObject({ summary: { entries: 2, busyMinutes: 90, mostAtOnce: 2 } });
    });
  });

  test('sees a bad zone, a bad time and a told failure as results with isError', async () => {
    await withClient('fast_time', async (client) => {
      for (const [name, args] of [
        ['convert_time', { time: '09:00', source_timezone: 'Mars/Olympus', target_timezone: 'UTC' }],
        ['convert_time', { time: 'noon', source_timezone: 'UTC', target_timezone: 'UTC' }],
        ['convert_time', {}],
        ['get_system_time', { timezone: 'nowhere' }],
        ['delay', { error_rate: 1 }],
        ['echo_payload', { payload: 'x'.repeat(10_000), repeat: 1000 }],
      ] as const) {
        expect(await client.callTool({ name, arguments: args }), name).toMatchObject({ isError: true });
      }
    });
  });

  test('gets the current time, in UTC unless told otherwise', async () => {
    await withClient('fast_time', async (client) => {
      const answer = await client.callTool({ name: 'get_system_time', arguments: {} });
      const [content] = answer.content as { text: string }[];
      expect(content?.text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(Math.abs(Date.parse(content?.text ?? '') - Date.now())).toBeLessThan(5000);
    });
  });

  test('reads every resource, and one through the template', async () => {
    await withClient('fast_time', async (client) => {
      const uris: string[] = [];
      for (const cursor of [undefined, '1']) {
        const page = await client.listResources(cursor === undefined ? {} : { cursor });
        for (const resource of page.resources) uris.push(resource.uri);
      }
      expect(uris).toContain('time://current/world');
      for (const uri of uris) {
        const [content] = (await client.readResource({ uri })).contents;
        expect(JSON.parse(String(content && 'text' in content && content.text)), uri).toBeTypeOf('object');
      }
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resourceTemplates.map((each) => each.uriTemplate)).toEqual(['time://current/{timezone}']);
      for (const uri of ['time://current/Asia%2FTokyo', 'time://current/Asia/Tokyo']) {
        const [content] = (await client.readResource({ uri })).contents;
        expect(content && 'text' in content && content.text).toMatch(/"timezone":"Asia\/Tokyo".*\+09:00/);
      }
      for (const uri of ['time://current/none', 'time://current/%', 'other://x']) {
        await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32_002 });
      }
    });
  });

  test('gets each prompt with its arguments', async () => {
    await withClient('fast_time', async (client) => {
      const { prompts } = await client.listPrompts();
      expect(prompts.map((prompt) => prompt.name)).toEqual([
        'compare_timezones',
        'schedule_meeting',
        'convert_time_detailed',
      ]);
      for (const prompt of prompts) {
        const args = Object.fromEntries((prompt.arguments ?? []).map(({ name }) => [name, `<${name}>`]));
        const { messages } = await client.getPrompt({ name: prompt.name, arguments: args });
        for (const { name } of (prompt.arguments ?? []).filter(({ required }) => required)) {
          expect(JSON.stringify(messages), prompt.name).toContain(`<${name}>`);
        }
      }
    });
  });

  test('twenty calls at once each get their own answer', async () => {
    await withClient('benchmark_1', async (client) => {
      const messages = Array.from({ length: 20 }, (_, index) => `message ${index}`);
      const answers = await Promise.all(
        messages.map((message) => client.callTool({ name: 'echo_1', arguments: { message } })),
      );
      expect(answers).toEqual(messages.map((text) => ({ content: [{ type: 'text', text }] })));
    });
  });
});

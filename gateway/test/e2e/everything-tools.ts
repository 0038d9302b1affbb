// The tools that the conformance suite asks for; after them those that the tests of the official client need.
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  type CallToolResult,
  CreateMessageResultSchema,
  type ElicitRequestFormParams,
  ElicitResultSchema,
  ListRootsResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { png } from './everything-prompts.ts';

interface Context {
  server: Server;
  extra: RequestHandlerExtra<ServerRequest, ServerNotification>;
  progressToken: string | number | undefined;
}

interface Tool {
  description: string;
  inputSchema: { type: 'object'; [keyword: string]: unknown };
  outputSchema?: { type: 'object'; [keyword: string]: unknown };
  annotations?: { readOnlyHint: boolean };
  _meta?: Record<string, unknown>;
  run: (given: Record<string, unknown>, context: Context) => CallToolResult | Promise<CallToolResult>;
}

const none = { type: 'object' as const };
const strings = (...names: string[]) => ({
  type: 'object' as const,
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  required: names,
});
const say = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** A wave file without a sample. */
const wav = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

async function elicit(
  { extra }: Context,
  requestedSchema: ElicitRequestFormParams['requestedSchema'],
  message = 'say',
) {
  const params = { message, requestedSchema };
  return extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema);
}

const toElicited = ({ action, content }: { action: string; content?: unknown }) =>
  say(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);

const options = ['option1', 'option2', 'option3'];
const titled = (noun: string) => [1, 2, 3].map((at) => ({ const: `value${at}`, title: `${noun} ${at}` }));

export const tools: Record<string, Tool> = {
  test_simple_text: {
    description: 'text',
    inputSchema: none,
    run: () => say('This is a simple text response for testing.'),
  },
  test_image_content: {
    description: 'an image',
    inputSchema: none,
    run: () => ({ content: [{ type: 'image', data: png, mimeType: 'image/png' }] }),
  },
  test_audio_content: {
    description: 'audio',
    inputSchema: none,
    run: () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
  },
  test_embedded_resource: {
    description: 'a resource',
    inputSchema: none,
    run: () => ({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }),
  },
  test_multiple_content_types: {
    description: 'several kinds of content',
    inputSchema: none,
    run: () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: png, mimeType: 'image/png' },
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
  },
  test_tool_with_logging: {
    description: 'logs while it runs',
    inputSchema: none,
    async run(_, { extra }) {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
        await pause(50);
      }
      return say('logged');
    },
  },
  test_tool_with_progress: {
    description: 'tells of its progress',
    inputSchema: none,
    async run(_, { extra, progressToken }) {
      for (const progress of [0, 50, 100]) {
        if (progressToken !== undefined) {
          const params = { progressToken, progress, total: 100 };
          await extra.sendNotification({ method: 'notifications/progress', params });
        }
        await pause(50);
      }
      return say('done');
    },
  },
  test_error_handling: {
    description: 'fails',
    inputSchema: none,
    run: () => ({ ...say('This tool intentionally returns an error for testing'), isError: true }),
  },
  test_sampling: {
    description: 'asks the model of the client',
    inputSchema: strings('prompt'),
    async run({ prompt }, { extra }) {
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: String(prompt) } }];
      const params = { messages, maxTokens: 100 };
      const { content } = await extra.sendRequest(
        { method: 'sampling/createMessage', params },
        CreateMessageResultSchema,
      );
      return say(`LLM response: ${'text' in content ? content.text : ''}`);
    },
  },
  test_elicitation: {
    description: 'asks the user',
    inputSchema: strings('message'),
    async run({ message }, context) {
      const properties = {
        username: { type: 'string' as const, description: "User's response" },
        email: { type: 'string' as const, description: "User's email address" },
      };
      const schema = { type: 'object' as const, properties, required: ['username', 'email'] };
      const { action, content } = await elicit(context, schema, String(message));
      return say(`User response: action: ${action}, content: ${JSON.stringify(content)}`);
    },
  },
  test_elicitation_sep1034_defaults: {
    description: 'asks with defaults',
    inputSchema: none,
    run: async (_, context) =>
      toElicited(
        await elicit(context, {
          type: 'object',
          properties: {
            name: { type: 'string', default: 'John Doe' },
            age: { type: 'integer', default: 30 },
            score: { type: 'number', default: 95.5 },
            status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
            verified: { type: 'boolean', default: true },
          },
        }),
      ),
  },
  test_elicitation_sep1330_enums: {
    description: 'asks with every kind of choice',
    inputSchema: none,
    run: async (_, context) =>
      toElicited(
        await elicit(context, {
          type: 'object',
          properties: {
            untitledSingle: { type: 'string', enum: options },
            titledSingle: { type: 'string', oneOf: titled('Option') },
            legacyEnum: {
              type: 'string',
              enum: ['opt1', 'opt2', 'opt3'],
              enumNames: ['Option One', 'Option Two', 'Option Three'],
            },
            untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
            titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
          },
        }),
      ),
  },
  json_schema_2020_12_tool: {
    description: 'has a schema of JSON Schema 2020-12',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } },
      },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      additionalProperties: false,
    },
    run: () => say('taken'),
  },
  test_reconnection: {
    description: 'takes its time',
    inputSchema: none,
    async run() {
      await pause(100);
      return say('Reconnection test completed successfully');
    },
  },
  structured: {
    description: 'structured content, annotations and _meta',
    inputSchema: none,
    outputSchema: { type: 'object', properties: { celsius: { type: 'number' } }, required: ['celsius'] },
    annotations: { readOnlyHint: true },
    _meta: { 'example.org/kept': [1, 2.5] },
    run: () => ({
      ...say('{"celsius":21.5}'),
      structuredContent: { celsius: 21.5 },
      _meta: { 'example.org/kept': true },
    }),
  },
  wait_for_ever: {
    description: 'ends when it is cancelled',
    inputSchema: none,
    run: (_, { extra }) =>
      new Promise((_resolve, reject) => extra.signal.addEventListener('abort', () => reject(new Error('cancelled')))),
  },
  list_roots: {
    description: 'asks the client for its roots',
    inputSchema: none,
    async run(_, { extra }) {
      const { roots } = await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
      return say(roots.map(({ uri }) => uri).join(' '));
    },
  },
  log_at_debug: {
    description: 'logs at debug and at warning',
    inputSchema: none,
    async run(_, { server, extra }) {
      await server.sendLoggingMessage({ level: 'debug', data: 'fine' }, extra.sessionId);
      await server.sendLoggingMessage({ level: 'warning', data: 'grave' }, extra.sessionId);
      return say('logged');
    },
  },
  slow_steps: {
    description: 'tells of each of some slow steps',
    inputSchema: none,
    async run(_, { extra, progressToken }) {
      for (let progress = 1; progress <= 5; progress++) {
        if (progressToken !== undefined) {
          await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress } });
        }
        await pause(150);
      }
      return say('all steps');
    },
  },
};

// How a list becomes text: JSON.stringify, a compiled serializer (fast-json-stringify, what Fastify uses for a response schema), and
// what the gateway does with lists from memory: text that is ready, spliced. As the source compares orjson with the standard library.
//   npx tsc -b && node gateway/dist/bench/json.js
import Fastify from 'fastify';
import { Type } from 'typebox';

const ITEMS = [10, 100, 1000, 5000];
const ROUND_MS = 120;
const ROUNDS = 7;

const Tool = Type.Object({
  name: Type.String(),
  description: Type.String(),
  inputSchema: Type.Object({
    type: Type.String(),
    properties: Type.Object({ time: Type.Object({ type: Type.String() }) }),
    required: Type.Array(Type.String()),
  }),
});
const Answer = Type.Object({
  jsonrpc: Type.String(),
  id: Type.Integer(),
  result: Type.Object({ tools: Type.Array(Tool) }),
});

const toTool = (at: number) => ({
  name: `upstream-tool-${at}`,
  description: `Tool number ${at}, with a "description" of an ordinary length.`,
  inputSchema: { type: 'object', properties: { time: { type: 'string' } }, required: ['time'] },
});

/** Microseconds per run, the median of the rounds; the ways take turns, so that a busy machine slows all of them. */
function measure(ways: Record<string, () => string>): Record<string, number> {
  const rounds = Object.fromEntries(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(ways)) {
      let runs = 0;
      let length = 0;
      const startedAt = performance.now();
      // Buffer.byteLength reads every character: a rope that nobody flattens would cost nothing and be worth nothing.
      for (; performance.now() - startedAt < ROUND_MS; runs++) length += Buffer.byteLength(run());
      if (length === 0) throw new Error(`${name} gave nothing`);
      rounds[name]?.push(((performance.now() - startedAt) * 1000) / runs);
    }
  }
  return Object.fromEntries(
    Object.entries(rounds).map(([name, all]) => [name, all.toSorted((one, other) => one - other)[ROUNDS >> 1] ?? 0]),
  );
}

const app = Fastify();
app.get('/', { schema: { response: { 200: Answer } } }, (_request, reply) => {
  compiled = reply.getSerializationFunction('200') as typeof compiled;
  reply.send({ jsonrpc: '2.0', id: 1, result: { tools: [] } });
});
let compiled: ((value: object) => string) | undefined;
await app.inject('/');
if (compiled === undefined) throw new Error('Fastify compiled no serializer');
const serialize = compiled;

const cases = ITEMS.map((items) => {
  const tools = Array.from({ length: items }, (_, at) => toTool(at));
  const answer = { jsonrpc: '2.0', id: 1, result: { tools } };
  const text = `{"tools":${JSON.stringify(tools)}}`;
  let id = 0;
  const micros = measure({
    stringify: () => JSON.stringify(answer),
    compiled: () => serialize(answer),
    spliced: () => `{"jsonrpc":"2.0","id":${++id},"result":${text}}`,
  });
  if (serialize(answer) !== JSON.stringify(answer)) throw new Error('the compiled serializer gives another text');
  return { items, bytes: Buffer.byteLength(text), micros };
});
await app.close();

const lines = cases.map(({ items, bytes, micros }) => {
  const { stringify = 0, compiled: one = 0, spliced = 0 } = micros;
  const cell = (value: number) => value.toFixed(1).padStart(12);
  return `${String(items).padStart(6)}${String(bytes).padStart(10)}${cell(stringify)}${cell(one)}${cell(spliced)}${cell(stringify / one)}${cell(stringify / spliced)}`;
});
process.stdout.write(
  ` items     bytes stringify µs compiled µs  spliced µs compiled × spliced ×\n${lines.join('\n')}\n${JSON.stringify({ cases })}\n`,
);

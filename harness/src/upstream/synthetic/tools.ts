// The synthetic tools: four small kinds in turn, `echo_1, sum_2, digest_3, payload_4, echo_5, …`.
import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { defineTool, structuredResult, type Tool, textResult } from '../tool.ts';

const EchoInput = Type.Object({ message: Type.String({ description: 'comes back as it is' }) });

const SumInput = Type.Object({
  numbers: Type.Array(Type.Number(), { maxItems: 10_000, description: 'what to add up' }),
});

const SumOutput = Type.Object({ count: Type.Integer(), sum: Type.Number() });

const DigestInput = Type.Object({
  text: Type.String({ description: 'what to hash' }),
  rounds: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 10_000,
    description: 'how often: each round hashes the digest before',
  }),
});

const PayloadInput = Type.Object({
  size_bytes: Type.Integer({
    default: 1024,
    minimum: 0,
    maximum: 4_194_304,
    description: 'length of the text in the answer',
  }),
});

const kinds: ((number: number) => Tool)[] = [
  (number) =>
    defineTool({
      name: `echo_${number}`,
      title: `Echo ${number}`,
      description: 'Answers the message that it was given.',
      input: EchoInput,
      run: ({ message }) => textResult(message),
    }),
  (number) =>
    defineTool({
      name: `sum_${number}`,
      title: `Sum ${number}`,
      description: 'Adds numbers up.',
      input: SumInput,
      output: SumOutput,
      run: ({ numbers }) =>
        structuredResult({ count: numbers.length, sum: numbers.reduce((sum, each) => sum + each, 0) }),
    }),
  (number) =>
    defineTool({
      name: `digest_${number}`,
      title: `Digest ${number}`,
      description: 'Hashes a text with SHA-256, as often as told.',
      input: DigestInput,
      run: ({ text, rounds }) => {
        let digest = text;
        for (let round = 0; round < rounds; round++) digest = createHash('sha256').update(digest).digest('hex');
        return textResult(digest);
      },
    }),
  (number) =>
    defineTool({
      name: `payload_${number}`,
      title: `Payload ${number}`,
      description: 'Answers a text of the size asked for.',
      input: PayloadInput,
      run: ({ size_bytes }) => textResult(toFiller(size_bytes)),
    }),
];

export function createSyntheticTools(count: number): Tool[] {
  const tools: Tool[] = [];
  for (let number = 1; number <= count; number++) {
    const create = kinds[(number - 1) % kinds.length];
    if (create !== undefined) tools.push(create(number));
  }
  return tools;
}

const line = 'The quick brown fox jumps over the lazy dog, and the gateway carries it across. ';

/** Exactly so many bytes of plain ASCII. */
export function toFiller(sizeBytes: number): string {
  return line.repeat(Math.ceil(sizeBytes / line.length)).slice(0, sizeBytes);
}

// What each benchmark server offers: plain tools, resources and prompts in the numbers asked for.
import type { OfferParts, Prompt, Resource } from '../offer.ts';
import type { ServersOptions } from '../options.ts';
import { createSyntheticTools, toFiller } from './tools.ts';

export function createSyntheticParts(counts: Pick<ServersOptions, 'tools' | 'resources' | 'prompts'>): OfferParts {
  return {
    tools: createSyntheticTools(counts.tools),
    resources: toNumbers(counts.resources).map(toResource),
    templates: [],
    prompts: toNumbers(counts.prompts).map(toPrompt),
  };
}

function toNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Text and JSON in turn, of 256 bytes to 4 KiB. */
function toResource(number: number): Resource {
  const isJson = number % 2 === 0;
  const filler = toFiller(256 * 2 ** (number % 5));
  const text = isJson ? JSON.stringify({ number, text: filler }) : filler;
  return {
    definition: {
      uri: `benchmark://resource/${number}`,
      name: `resource_${number}`,
      title: `Resource ${number}`,
      description: isJson ? 'a JSON document' : 'a plain text',
      mimeType: isJson ? 'application/json' : 'text/plain',
    },
    read: () => text,
  };
}

function toPrompt(number: number): Prompt {
  return {
    definition: {
      name: `prompt_${number}`,
      title: `Prompt ${number}`,
      description: 'Asks for a summary of a topic.',
      arguments: [
        { name: 'topic', description: 'what to write about', required: true },
        { name: 'style', description: 'how to write, such as short or formal', required: false },
      ],
    },
    get: ({ topic, style = 'short' }) => [
      { role: 'user', content: { type: 'text', text: `Summarise ${topic} in a ${style} style (prompt ${number}).` } },
    ],
  };
}

// The prompts that the conformance suite asks for, and what they complete.
import type { PromptMessage } from '@modelcontextprotocol/sdk/types.js';

/** One red pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

export const completions = ['paris', 'park', 'party', 'london'];

interface Prompt {
  description: string;
  arguments?: { name: string; description: string; required: boolean }[];
  get: (given: Record<string, string>) => PromptMessage[];
}

const say = (text: string): PromptMessage => ({ role: 'user', content: { type: 'text', text } });
const argument = (name: string) => ({ name, description: `the argument ${name}`, required: true });

export const prompts: Record<string, Prompt> = {
  test_simple_prompt: {
    description: 'without arguments',
    get: () => [say('This is a simple prompt for testing.')],
  },
  test_prompt_with_arguments: {
    description: 'with two arguments',
    arguments: [argument('arg1'), argument('arg2')],
    get: ({ arg1, arg2 }) => [say(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  },
  test_prompt_with_embedded_resource: {
    description: 'with a resource inside',
    arguments: [argument('resourceUri')],
    get: ({ resourceUri }) => [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: {
            uri: resourceUri ?? '',
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
      },
      say('Please process the embedded resource above.'),
    ],
  },
  test_prompt_with_image: {
    description: 'with an image inside',
    get: () => [
      { role: 'user', content: { type: 'image', data: png, mimeType: 'image/png' } },
      say('Please analyze the image above.'),
    ],
  },
};

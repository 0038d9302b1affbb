// `deny_filter`: stops calls whose arguments, or whose results, hold one of the words.
import { Type } from 'typebox';
import { parse } from '../parse.ts';
import { someText } from './each-text.ts';
import type { CreatePlugin, Outcome, Request, Result } from './plugin.ts';
import { createWordFinder } from './word-finder.ts';

const DenyConfig = Type.Object(
  { words: Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { minItems: 1, maxItems: 100_000 }) },
  { additionalProperties: false },
);

export const createDenyFilter: CreatePlugin = (config) => {
  const find = createWordFinder(parse(DenyConfig, config ?? {}, 'config').words);
  // The word is not repeated: it may be what nobody is to read.
  const check = (value: unknown): Outcome<never> =>
    someText(value, (text) => find(text) !== undefined) ? { stop: 'a word that is not allowed' } : undefined;
  const request = (payload: Request) => check(payload.arguments);
  const result = (payload: Result) => check(payload.result);
  return {
    tool_pre_invoke: request,
    tool_post_invoke: result,
    prompt_pre_fetch: request,
    prompt_post_fetch: result,
    resource_pre_fetch: (payload) => check(payload.name),
    resource_post_fetch: result,
  };
};

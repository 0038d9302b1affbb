// `regex_filter`: search and replace in every text of arguments or results. Patterns run in V8's engine that takes linear time whatever
// the text is (flag `l`, https://v8.dev/blog/non-backtracking-regexp); what it cannot do is refused at the start.
import { setFlagsFromString } from 'node:v8';
import { Type } from 'typebox';
import { parse } from '../parse.ts';
import { mapTexts } from './each-text.ts';
import type { CreatePlugin, JsonObject, Outcome, Request, Result } from './plugin.ts';

const RegexConfig = Type.Object(
  {
    words: Type.Array(
      Type.Object(
        { search: Type.String({ minLength: 1, maxLength: 10_000 }), replace: Type.String({ maxLength: 10_000 }) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 1000, description: '`replace` may hold $1, $2 … and $& of the match' },
    ),
  },
  { additionalProperties: false },
);

export const createRegexFilter: CreatePlugin = (config) => {
  const { words } = parse(RegexConfig, config ?? {}, 'config');
  const rules = words.map(({ search, replace }) => ({ pattern: toLinear(search), replace }));
  const change = (text: string) => rules.reduce((made, { pattern, replace }) => made.replace(pattern, replace), text);
  const changed = (value: JsonObject) => mapTexts(value, change) as JsonObject;
  const request = (payload: Request): Outcome<Request> => {
    const made = changed(payload.arguments);
    return made === payload.arguments ? undefined : { payload: { ...payload, arguments: made } };
  };
  const result = (payload: Result): Outcome<Result> => {
    const made = changed(payload.result);
    return made === payload.result ? undefined : { payload: { ...payload, result: made } };
  };
  return {
    tool_pre_invoke: request,
    tool_post_invoke: result,
    prompt_pre_fetch: request,
    prompt_post_fetch: result,
    resource_post_fetch: result,
  };
};

/** @throws when the pattern is none, or needs backtracking */
function toLinear(search: string): RegExp {
  setFlagsFromString('--enable-experimental-regexp-engine');
  return new RegExp(search, 'gl');
}

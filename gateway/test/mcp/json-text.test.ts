import { describe, expect, test } from 'vitest';
import { elementTexts, findMember, memberText, replaceMember } from '../../src/mcp/json-text.ts';

const cut = (text: string, name: string) => {
  const span = findMember(text, name);
  return span === undefined ? undefined : text.slice(span.start, span.end);
};

describe('findMember', () => {
  test.each([
    ['{"a":1,"b":2}', 'b', '2'],
    [' { "a" : "x\\"}" , "b" : [ {"b":3}, "]" ] } ', 'b', '[ {"b":3}, "]" ]'],
    ['{"a":{"b":1}}', 'b', undefined],
    ['{"b":"\\\\"}', 'b', '"\\\\"'],
    ['{"ab":1,"b":null}', 'b', 'null'],
    ['{"b":12345678901234567890}', 'b', '12345678901234567890'],
    ['{}', 'b', undefined],
  ])('cuts a member out of %s', (text, name, expected) => {
    JSON.parse(text);
    expect(cut(text, name)).toBe(expected);
  });

  test('does not decide between two members of one name', () => {
    expect(cut('{"b":1,"b":2}', 'b')).toBeUndefined();
  });

  test('does not decide when an escaped key could be the one', () => {
    expect(cut('{"b":1,"\\u0062":2}', 'b')).toBeUndefined();
  });
});

test('memberText falls back to the parsed value where the text is ambiguous', () => {
  const text = '{"b":1,"\\u0062":2}';
  expect(memberText(text, 'b', (JSON.parse(text) as { b: number }).b)).toBe('2');
});

describe('replaceMember', () => {
  test('changes one name and leaves every other character', () => {
    const text = '{ "arguments":{"big":12345678901234567890, "2":0, "1":0} , "name":"public" }';
    expect(replaceMember(text, JSON.parse(text) as object, 'name', 'own "x"')).toBe(
      '{ "arguments":{"big":12345678901234567890, "2":0, "1":0} , "name":"own \\"x\\"" }',
    );
  });

  test('never leaves a second name behind', () => {
    const text = '{"name":"a","name":"b"}';
    expect(replaceMember(text, JSON.parse(text) as object, 'name', 'own')).toBe('{"name":"own"}');
  });
});

test('elementTexts cuts an array into its elements', () => {
  expect(elementTexts(' [ {"a":[1,2]} , "x,]" ,3] ')).toEqual(['{"a":[1,2]}', '"x,]"', '3']);
  expect(elementTexts('[]')).toEqual([]);
});

test('agrees with JSON.parse on random objects', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const make = (depth: number): unknown => {
    const kind = random(depth > 3 ? 4 : 6);
    if (kind === 0) return random(1000) / 7;
    if (kind === 1) return ['"', '\\', '{', '}', ',', ':', 'é', '\n', '[]'][random(9)]?.repeat(random(4));
    if (kind === 2) return random(2) === 0;
    if (kind === 3) return null;
    if (kind === 4) return Array.from({ length: random(4) }, () => make(depth + 1));
    return Object.fromEntries(Array.from({ length: random(4) }, (_, at) => [`k${at}`, make(depth + 1)]));
  };
  for (let round = 0; round < 500; round++) {
    const value = { first: make(0), params: make(0), last: make(0) };
    const text = JSON.stringify(value, undefined, random(3));
    expect(JSON.parse(memberText(text, 'params', undefined))).toEqual(JSON.parse(JSON.stringify(value.params ?? null)));
  }
});

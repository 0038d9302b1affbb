import { describe, expect, test } from 'vitest';
import { checkAnswer, createChecker, jsonText, valueAt } from '../../src/load/check-answer.ts';
import { answerCases, toRequest } from './answers.ts';

describe('checkAnswer', () => {
  for (const [place, answerCase] of answerCases.entries()) {
    test(`${answerCase.title} is ${answerCase.outcome}`, () => {
      const fault = checkAnswer(toRequest(answerCase, place), answerCase.status, answerCase.body);
      const expected = answerCase.outcome === 'ok' ? null : { kind: answerCase.outcome, detail: answerCase.detail };
      expect(fault).toEqual(expected);
    });
  }
});

describe('createChecker', () => {
  const right = answerCases.find((answerCase) => answerCase.outcome === 'ok');
  if (right === undefined) throw new Error('no right answer in the list');
  const request = toRequest(right, 0);

  test('a right body stays right when it comes again', () => {
    const check = createChecker([request]);
    expect(check(0, 200, Buffer.from(right.body))).toBeNull();
    expect(check(0, 200, Buffer.from(right.body))).toBeNull();
  });

  test('a body that was right is wrong with another status', () => {
    const check = createChecker([request]);
    check(0, 200, Buffer.from(right.body));
    expect(check(0, 503, Buffer.from(right.body))).toEqual({ kind: 'status', detail: '503' });
  });

  test('a wrong body is found after a right one, and a body right for one request is not for another', () => {
    const check = createChecker([request, { ...request, rpcId: 8 }]);
    expect(check(0, 200, Buffer.from(right.body))).toBeNull();
    expect(check(0, 200, Buffer.from('{}'))).toEqual({ kind: 'body', detail: 'no JSON-RPC result' });
    expect(check(1, 200, Buffer.from(right.body))?.detail).toBe('JSON-RPC id of another request');
  });
});

test('the data lines of one SSE event are joined', () => {
  expect(JSON.parse(jsonText('data: {"a":\r\ndata: 1}\r\n\r\n'))).toEqual({ a: 1 });
});

test('a path into nothing has no value', () => {
  expect(valueAt({ a: null }, 'a.b')).toBeUndefined();
  expect(valueAt({ a: [{ b: 1 }] }, 'a.0.b')).toBe(1);
});

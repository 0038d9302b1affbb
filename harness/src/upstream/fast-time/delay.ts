// A tool that is slow and fails as its arguments say: the same arguments always do the same.
import { Type } from 'typebox';
import { type Caller, defineTool, errorResult, textResult } from '../tool.ts';

const DelayInput = Type.Object({
  delay_ms: Type.Number({ default: 0, minimum: 0, maximum: 60_000, description: 'milliseconds before the answer' }),
  error_rate: Type.Number({ default: 0, minimum: 0, maximum: 1, description: 'share of seeds that fail' }),
  seed: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 4_294_967_295,
    description: 'decides whether this call fails: give every call its own',
  }),
});

export const delay = defineTool({
  name: 'delay',
  title: 'Delay',
  description: 'Answers after a delay; fails for the share of seeds that error_rate says.',
  input: DelayInput,
  run: async ({ delay_ms, error_rate, seed }, caller) => {
    if (delay_ms > 0) await wait(delay_ms, caller);
    if (toUnit(seed) < error_rate) return errorResult(`failed as told: seed ${seed}, error_rate ${error_rate}`);
    return textResult(`waited ${delay_ms} ms`);
  },
});

/** Also ends when the caller leaves: nobody is there to answer to. */
function wait(milliseconds: number, caller: Caller): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      caller.off('close', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    caller.once('close', end);
  });
}

/**
 * A seed's own number in [0, 1), the same everywhere; neighbouring seeds are unrelated.
 * The mixing steps and constants are those of MurmurHash3's 32-bit finalizer, after a Weyl step so that 0 is not 0.
 */
export function toUnit(seed: number): number {
  let bits = (seed + 0x9e3779b9) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

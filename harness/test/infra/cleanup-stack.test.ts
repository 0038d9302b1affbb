import { describe, expect, it } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import { createCleanupStack } from '../../src/infra/cleanup-stack.ts';

describe('what was started in order', () => {
  it('is stopped in reverse, once, and one that fails to stop skips no other', async () => {
    const stopped: string[] = [];
    const stack = createCleanupStack();
    stack.add('first', () => void stopped.push('first'));
    stack.add('second', () => {
      throw new Error('it hangs');
    });
    stack.add('third', async () => void stopped.push('third'));
    await expect(stack.stop()).rejects.toThrow('second could not be stopped: it hangs');
    await expect(stack[Symbol.asyncDispose]()).rejects.toThrow('it hangs');
    expect(stopped).toEqual(['third', 'first']);
  });

  it('is stopped because of an error, which keeps its code and tells what could not be stopped', async () => {
    const stack = createCleanupStack();
    stack.add('a part', () => {
      throw new Error('it hangs');
    });
    const unwinding = stack.unwind(new HarnessError('GATEWAY_FAILED', { detail: 'no luck' }));
    await expect(unwinding).rejects.toMatchObject({ code: 'GATEWAY_FAILED' });
    await expect(unwinding).rejects.toThrow(/no luck\na part could not be stopped/);
  });
});

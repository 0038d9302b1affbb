// Stops in reverse order what was started in order; one that fails to stop never skips the others.

export interface CleanupStack extends AsyncDisposable {
  /** Adds something to stop; `name` stands in the error when stopping it fails. */
  add(name: string, stop: () => void | Promise<void>): void;
  /** Stops everything; calling it again waits for the same end. */
  stop(): Promise<void>;
  /** Stops everything because of `error`, and throws it; what could not be stopped is said in its message. */
  unwind(error: unknown): Promise<never>;
}

/** @throws AggregateError on disposal, when something could not be stopped; everything else is stopped nevertheless */
export function createCleanupStack(): CleanupStack {
  const parts: { name: string; stop: () => void | Promise<void> }[] = [];
  let disposal: Promise<void> | undefined;
  const stop = () => {
    disposal ??= stopAll(parts);
    return disposal;
  };
  return {
    add(name, stop) {
      parts.push({ name, stop });
    },
    stop,
    async unwind(error) {
      await stop().catch((failure: unknown) => {
        if (error instanceof Error) error.message += `\n${toMessage(failure)}`;
      });
      throw error;
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function stopAll(parts: { name: string; stop: () => void | Promise<void> }[]): Promise<void> {
  const failures: Error[] = [];
  for (const { name, stop } of parts.toReversed()) {
    try {
      await stop();
    } catch (cause) {
      failures.push(new Error(`${name} could not be stopped: ${toMessage(cause)}`, { cause }));
    }
  }
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map((failure) => failure.message).join('\n'));
  }
}

/** The message of anything that was thrown. */
export function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

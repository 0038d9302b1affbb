// What a run shows while it works: one line per step, live on a terminal, plain lines elsewhere. Everything goes to stderr;
// stdout is for results.
import ora from 'ora';
import type { Step } from './result/result.ts';

export interface Progress {
  /** Every step so far, for the result. */
  readonly steps: Step[];
  /**
   * Runs one step. `work` gets a function that changes the live detail and returns its value with the closing detail.
   * A step that throws is recorded as failed (interrupted when the signal is aborted) and the error goes on.
   */
  step<T>(
    name: string,
    expectedSeconds: number | null,
    work: (update: (detail: string) => void) => Promise<[T, string]>,
  ): Promise<T>;
  /** A line between steps. */
  note(text: string): void;
}

/** Off a terminal a step says so often that it goes on. */
const HEARTBEAT_MS = 15_000;

export function createProgress(signal: AbortSignal, options: { quiet?: boolean } = {}): Progress {
  const steps: Step[] = [];
  const interactive = process.stderr.isTTY === true && process.env.CI === undefined;
  return {
    steps,
    async step(name, expectedSeconds, work) {
      const startedAtMs = Date.now();
      let detail = '';
      const elapsed = () => `${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`;
      const expected = expectedSeconds === null ? '' : ` of about ${expectedSeconds.toFixed(0)} s`;
      const spinner = ora({
        text: name,
        isEnabled: interactive,
        isSilent: options.quiet === true || !interactive,
        discardStdin: false,
      }).start();
      const redraw = setInterval(() => {
        spinner.text = `${name}  ${detail}  (${elapsed()}${expected})`;
      }, 200);
      redraw.unref();
      // Where no line can be drawn again, long steps still tell that they go on.
      const tell = () => process.stderr.write(`…    ${name}  ${detail}  (${elapsed()}${expected})\n`);
      const heartbeat = interactive || options.quiet === true ? undefined : setInterval(tell, HEARTBEAT_MS).unref();
      const finish = (status: Step['status'], closing: string) => {
        clearInterval(redraw);
        clearInterval(heartbeat);
        steps.push({ name, startedAtMs, seconds: (Date.now() - startedAtMs) / 1000, status, detail: closing });
        const text = `${name}  ${closing}  (${elapsed()}${expected})`;
        if (interactive) status === 'done' ? spinner.succeed(text) : spinner.fail(text);
        else if (options.quiet !== true) process.stderr.write(`${status === 'done' ? 'ok  ' : 'FAIL'} ${text}\n`);
      };
      try {
        const [value, closing] = await work((text) => {
          detail = text;
        });
        finish('done', closing);
        return value;
      } catch (error) {
        finish(
          signal.aborted ? 'interrupted' : 'failed',
          (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '',
        );
        throw error;
      }
    },
    note(text) {
      if (options.quiet !== true) process.stderr.write(`${text}\n`);
    },
  };
}

/** `45 s`, `7 min 16 s`. */
export function toMinutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

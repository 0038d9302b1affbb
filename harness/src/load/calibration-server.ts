// The servers that the drivers are tested and measured against: one with known delays, one that answers at once.
// Each is a process of its own (calibration-main.ts), so that it does not share an event loop with whoever measures.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parse } from '@gatebench/gateway/parse';
import { type Static, Type } from 'typebox';
import { HarnessError } from '../errors.ts';
import { builtFile } from '../paths.ts';
import type { DelayModel } from './delay-model.ts';
import { pinned } from './generator-process.ts';

export const FixedAnswer = Type.Object(
  {
    status: Type.Integer({ default: 200 }),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
    body: Type.String({ default: '' }),
  },
  { additionalProperties: false },
);
export type FixedAnswer = Static<typeof FixedAnswer>;

const Listening = Type.Object({ event: Type.Literal('listening'), url: Type.String() });

const START_LIMIT_MS = 10_000;

export interface RunningServer extends AsyncDisposable {
  url: string;
  pid: number;
}

/** A server whose answers leave exactly as the model says. `cpus` empty: not pinned. */
export function startCalibrationServer(model: DelayModel, cpus: number[] = []): Promise<RunningServer> {
  return startServer('delay', model, cpus);
}

/** A server that gives the same answer to everything, at once, at many times the rate of any gateway. */
export function startTrivialServer(answer: FixedAnswer, cpus: number[] = []): Promise<RunningServer> {
  return startServer('trivial', answer, cpus);
}

async function startServer(kind: string, settings: unknown, cpus: number[]): Promise<RunningServer> {
  const [command, parameters] = pinned(process.execPath, [builtFile('load/calibration-main.js'), kind], cpus);
  const child = spawn(command, parameters, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(settings)}\n`);
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    ended.then(() => null),
    new Promise<null>((resolve) => setTimeout(resolve, START_LIMIT_MS, null).unref()),
  ]);
  if (line === null || child.pid === undefined) {
    await stop();
    throw new HarnessError('LOAD_FAILED', { detail: `the ${kind} calibration server did not start: ${said.trim()}` });
  }
  const { url } = parse(Listening, JSON.parse(line), 'calibration server');
  return { url, pid: child.pid, [Symbol.asyncDispose]: stop };
}

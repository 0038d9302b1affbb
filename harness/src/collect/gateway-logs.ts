// The gateway's log: errors of each trial by type; the whole log, tokens removed, as gateway_logs.txt.
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { type Static, Type } from 'typebox';
import type { SubjectName } from '../plan/plan.ts';
import { redactLog } from '../redact.ts';
import type { Collector, CollectorContext } from './collector.ts';
import { countLogErrors, LogErrors } from './log-errors.ts';
import { gatewayOf, subjectsOf } from './subjects.ts';

export const GatewayLogsArtifact = Type.Object(
  {
    ...LogErrors.properties,
    bytes: Type.Integer({ description: 'written during the trial' }),
    skippedBytes: Type.Integer({ description: 'of them, from the start on, not read because there were too many' }),
  },
  { additionalProperties: false },
);
export type GatewayLogsArtifact = Static<typeof GatewayLogsArtifact>;

/** A gateway that logs more than this in a trial has told its errors often enough at the end of it. */
const MOST_BYTES = 8 * 1024 * 1024;

export const gatewayLogs: Collector = {
  id: 'gateway-logs',
  title: 'Gateway log',
  async start(context) {
    const subjects = subjectsOf(context).filter((subject) => gatewayOf(context, subject).logFile !== undefined);
    if (subjects.length === 0) throw new Error('the gateway’s log is not ours to read');
    return {
      columns: [],
      async watchTrial(trial) {
        const logFile = logFileOf(context, trial.subject);
        const offset = (await stat(logFile)).size;
        return async (): Promise<GatewayLogsArtifact> => {
          const { text, bytes, skippedBytes } = await readSince(logFile, offset);
          return { ...countLogErrors(text, secretsOf(context)), bytes, skippedBytes };
        };
      },
      async [Symbol.asyncDispose]() {
        for (const subject of subjects) {
          const name = subject === 'current' ? 'gateway_logs.txt' : `gateway_logs.${subject}.txt`;
          await copyRedacted(logFileOf(context, subject), join(context.runFolder, name), secretsOf(context));
        }
      },
    };
  },
};

function logFileOf(context: CollectorContext, subject: SubjectName): string {
  const { logFile } = gatewayOf(context, subject);
  if (logFile === undefined) throw new Error(`the log of the gateway '${subject}' is not ours to read`);
  return logFile;
}

function secretsOf(context: CollectorContext): string[] {
  return subjectsOf(context).map((subject) => gatewayOf(context, subject).token);
}

/** A log that has become shorter was begun anew: it is read from its start. */
async function readSince(file: string, offset: number): Promise<{ text: string; bytes: number; skippedBytes: number }> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const from = size < offset ? 0 : offset;
  const skippedBytes = Math.max(0, size - from - MOST_BYTES);
  const buffer = Buffer.alloc(size - from - skippedBytes);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from + skippedBytes);
  return { text: buffer.toString('utf8', 0, bytesRead), bytes: size - from, skippedBytes };
}

async function copyRedacted(from: string, to: string, secrets: readonly string[]): Promise<void> {
  const lines = createInterface({ input: createReadStream(from), crlfDelay: Number.POSITIVE_INFINITY });
  await pipeline(
    lines,
    async function* (source: AsyncIterable<string>) {
      for await (const line of source) yield `${redactLog(line, secrets)}\n`;
    },
    createWriteStream(to),
  );
}

// The load of the gateway's bench: a closed loop on raw keep-alive sockets, as cheap as it can be and still check every answer
// against its request. A process of its own: takes one job per IPC message, answers with what it saw.
import { connect } from 'node:net';
import { MessageReader } from './message-reader.ts';

/** What to send. `{id}` in the body and the answer stands for eight digits, new for each request. */
export interface LoadJob {
  port: number;
  connections: number;
  seconds: number;
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body: string;
  /** The whole body of the answer; undefined: any. */
  expected: string | undefined;
  /** Of the answer; 200 when it is not given. */
  status?: number;
}

export interface LoadResult {
  requests: number;
  /** Answers with another status or body than expected; the first one seen. */
  wrong: number;
  firstWrong: string | undefined;
  /** Of the body of the last answer. */
  answerBytes: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

const MAX_SAMPLES = 4_000_000;
let lastId = 10_000_000;

function run(job: LoadJob): Promise<LoadResult> {
  const samples = new Float64Array(MAX_SAMPLES);
  const headers = Object.entries(job.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = Buffer.byteLength(job.body.replaceAll('{id}', '00000000'));
  const head = `${job.method} ${job.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers.join('')}${length === 0 ? '' : `content-length: ${length}\r\n`}\r\n`;
  const body = job.body.split('{id}');
  const expected = job.expected?.split('{id}');
  const statusLine = `HTTP/1.1 ${job.status ?? 200}`;
  const result: LoadResult = {
    requests: 0,
    wrong: 0,
    firstWrong: undefined,
    answerBytes: 0,
    seconds: 0,
    p50Ms: 0,
    p99Ms: 0,
  };
  const startedAt = performance.now();
  const endsAt = startedAt + job.seconds * 1000;

  const drive = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      let id = 0;
      let sentAt = 0;
      let isLeft = false;
      const socket = connect({ port: job.port, host: '127.0.0.1', noDelay: true });
      const send = () => {
        id = ++lastId;
        sentAt = performance.now();
        socket.write(head + body.join(String(id)), 'latin1');
      };
      const reader = new MessageReader((answerHead, answerBody) => {
        const now = performance.now();
        const isExpected = expected === undefined || answerBody === expected.join(String(id));
        if (!isExpected || !answerHead.startsWith(statusLine)) {
          result.wrong += 1;
          result.firstWrong ??= `${answerHead}\n${answerBody.slice(0, 300)}`;
        }
        result.answerBytes = answerBody.length;
        if (result.requests < MAX_SAMPLES) samples[result.requests] = now - sentAt;
        result.requests += 1;
        const isOver = now >= endsAt;
        if (!isOver && !answerHead.includes('onnection: close')) return send();
        socket.end();
        // A worker that has too many connections gives some back: their next requests come over new ones.
        isLeft = true;
        if (isOver) resolve();
        else drive().then(resolve, reject);
      });
      socket.on('connect', send);
      socket.on('data', (chunk) => reader.push(chunk));
      socket.on('error', reject);
      socket.on('close', () => {
        if (!isLeft) reject(new Error('the server closed a connection in mid-request'));
      });
    });

  return Promise.all(Array.from({ length: job.connections }, drive)).then(() => {
    result.seconds = (performance.now() - startedAt) / 1000;
    const sorted = samples.subarray(0, Math.min(result.requests, MAX_SAMPLES)).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { ...result, p50Ms: at(0.5), p99Ms: at(0.99) };
  });
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

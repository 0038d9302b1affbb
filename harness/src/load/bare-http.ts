// The least of HTTP that a calibration server needs: where requests end, and one fixed answer. Several times the rate of
// node:http, so that the ceiling it shows is the generator's own.
import { STATUS_CODES } from 'node:http';
import type { FixedAnswer } from './calibration-server.ts';

const HEAD_END = Buffer.from('\r\n\r\n');

/** Feeds on the chunks of one connection and says how many requests each one completes. Bodies need a content-length. */
export function countRequests(): (chunk: Buffer) => number {
  let rest: Buffer = Buffer.alloc(0);
  let bodyLeft = 0;
  return (chunk) => {
    let complete = 0;
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, data.length);
        bodyLeft -= taken;
        data = data.subarray(taken);
        if (bodyLeft > 0) break;
        complete += 1;
        continue;
      }
      const end = data.indexOf(HEAD_END);
      if (end < 0) break;
      const head = data.toString('latin1', 0, end);
      bodyLeft = Number(/\r\ncontent-length:\s*(\d+)/i.exec(head)?.[1] ?? 0);
      data = data.subarray(end + HEAD_END.length);
      if (bodyLeft === 0) complete += 1;
    }
    rest = data;
    return complete;
  };
}

export function toAnswerBytes(answer: FixedAnswer): Buffer {
  const body = Buffer.from(answer.body, 'utf8');
  const skipped = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);
  const headers = Object.entries(answer.headers).filter(([name]) => !skipped.has(name.toLowerCase()));
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Status'}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

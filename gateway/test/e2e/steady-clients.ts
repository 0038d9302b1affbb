// Clients with keep-alive connections that send one request after the other and never retry: what is dropped is seen. They obey
// `Connection: close`, as every client must, and open the next connection then.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SteadyOptions {
  url: string;
  headers: Record<string, string>;
  body?: string;
  connections: number;
  /** Between two requests of one connection. */
  pauseMs?: number;
  isGood?: (status: number, text: string) => boolean;
}

export interface SteadyResult {
  answered: number;
  /** What went wrong, one text per request. */
  failures: string[];
  /** Slowest answer. */
  longestMs: number;
}

export interface SteadyClients {
  stop(): Promise<SteadyResult>;
  answered: () => number;
}

/** Sends until it is stopped; `stop` waits for the answers that are on their way. */
export function startSteadyClients(options: SteadyOptions): SteadyClients {
  const { connections, pauseMs = 0, isGood = (status) => status === 200 } = options;
  const result: SteadyResult = { answered: 0, failures: [], longestMs: 0 };
  let isStopped = false;
  async function client(): Promise<void> {
    // One connection each.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!isStopped) {
      const startedAt = performance.now();
      try {
        const { status, text } = await send(options, agent);
        if (isGood(status, text)) result.answered++;
        else result.failures.push(`${status} ${text.slice(0, 200)}`);
      } catch (error) {
        result.failures.push(String(error));
        await sleep(10);
      }
      result.longestMs = Math.max(result.longestMs, performance.now() - startedAt);
      if (pauseMs > 0) await sleep(pauseMs);
    }
    agent.destroy();
  }
  const clients = Promise.all(Array.from({ length: connections }, client));
  return {
    answered: () => result.answered,
    async stop() {
      isStopped = true;
      await clients;
      return result;
    },
  };
}

function send({ url, headers, body }: SteadyOptions, agent: Agent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...headers,
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
        response.on('aborted', () => reject(new Error('the answer was cut off')));
      },
    );
    sent.setTimeout(20_000, () => sent.destroy(new Error('no answer within 20 s')));
    sent.on('error', reject);
    sent.end(body);
  });
}

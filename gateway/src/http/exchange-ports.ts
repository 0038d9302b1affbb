// What the MCP routes use of a request and of its answer: the part of Fastify's that the fast door has too.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Identity } from '../auth/index.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';

export interface Asked {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly ip: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: unknown;
  readonly body: unknown;
  readonly raw: Pick<IncomingMessage, 'socket'>;
  readonly routeOptions: { readonly url?: string | undefined; readonly config: object };
  readonly identity?: Identity;
  readonly trace: RequestTrace | undefined;
}

type HeaderValue = number | string | string[] | undefined;

export interface Answering {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  readonly server: FastifyInstance;
  code(status: number): Answering;
  /** Names in lower case. */
  header(name: string, value: string): Answering;
  getHeader(name: string): HeaderValue;
  getHeaders(): Record<string, HeaderValue>;
  hasHeader(name: string): boolean;
  removeHeader(name: string): unknown;
  /** Text that is JSON already, bytes, nothing, or the error that is to be answered. */
  send(payload?: string | Buffer | Error): unknown;
  /** What is written from here on is written to `raw`. */
  hijack(): unknown;
}

// The server below Fastify: HTTP/1.1 or 2, with or without TLS; counts what runs, refuses what is too much before anything is
// parsed, and hands connections back on request. All of it is on the path of every request: numbers and comparisons only.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import {
  createSecureServer as createHttp2SecureServer,
  createServer as createHttp2Server,
  type ServerOptions as Http2ServerOptions,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type SecureServerOptions,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { FastDoor } from './fast-door.ts';
import type { Load } from './load.ts';
import { alwaysAnswers, refuseOverload } from './overload.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export type HttpConfig = Pick<
  Config,
  'BACKPRESSURE' | 'HTTP_VERSION' | 'SSL' | 'CERT_FILE' | 'KEY_FILE' | 'KEY_FILE_PASSWORD'
>;

export interface HttpServerParts {
  config: HttpConfig;
  /** Sizes and times of requests, for HTTP/1.1's parser. */
  limits: ServerOptions;
  load: Load;
  /** Asked first. Undefined: there is none. */
  fastDoor?: Pick<FastDoor, 'take'> | undefined;
}

/**
 * For Fastify's `serverFactory`.
 * @throws GW_CONFIG_INVALID when a file of the certificate cannot be read
 */
export function createHttpServer(handler: Handler, { config, limits, load, fastDoor }: HttpServerParts): Server {
  function onClose(this: ServerResponse): void {
    load.end(this);
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    load.served++;
    // HTTP/1.1 only; HTTP/2 has no such property, its connections are told to go by GOAWAY.
    if (load.isDraining || load.toShed > 0) load.release(response);
    if (load.running >= config.BACKPRESSURE && !alwaysAnswers(request.url)) {
      load.refused++;
      refuseOverload(request, response, config.BACKPRESSURE);
      return;
    }
    load.running++;
    response.on('close', onClose);
    if (fastDoor?.take(request, response) !== true) handler(request, response);
  }

  const server = listenTo(handle, config, limits);
  server.on('connection', (socket: Socket) => load.addSocket(socket));
  server.on('session', (session: Http2Session) => load.addSession(session));
  return server;
}

/** http2's compatibility API has the shape of http's where Fastify and we use it; its types do not say so. */
type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

function listenTo(handle: Handler, config: HttpConfig, limits: ServerOptions): Server {
  const { HTTP_VERSION: version, SSL: isSecure } = config;
  if (version === '1' || (version === 'auto' && !isSecure)) {
    return isSecure
      ? createHttpsServer({ ...limits, ...readCertificate(config) }, handle)
      : createServer(limits, handle);
  }
  const maxHeaderListSize = limits.maxHeaderSize ?? 16_384;
  const http2Handle: Http2Handler = (request, response) => {
    // HTTP/2's setting is advice to the client, which Node does not enforce.
    if (request.httpVersionMajor === 2 && headSize(request.rawHeaders) > maxHeaderListSize) {
      response.writeHead(431).end();
      return;
    }
    (handle as unknown as Http2Handler)(request, response);
  };
  const settings = { maxHeaderListSize };
  const options: Http2ServerOptions & SecureServerOptions = { settings };
  const server = isSecure
    ? // HTTP/1.1's own limits are passed on to its parser; the types do not list them.
      createHttp2SecureServer(
        { ...limits, ...options, ...readCertificate(config), allowHTTP1: version === 'auto' },
        http2Handle,
      )
    : createHttp2Server(options, http2Handle);
  return server as unknown as Server;
}

/** As HTTP/1.1 would write it: `name: value` and a line end. */
function headSize(rawHeaders: string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length + 2;
  return size;
}

/** @throws GW_CONFIG_INVALID when the files cannot be read, or are no certificate and its key */
export function readCertificate(config: Pick<HttpConfig, 'CERT_FILE' | 'KEY_FILE' | 'KEY_FILE_PASSWORD'>): {
  cert: Buffer;
  key: Buffer;
  passphrase?: string;
} {
  const { CERT_FILE, KEY_FILE, KEY_FILE_PASSWORD: passphrase } = config;
  const cert = readPem('CERT_FILE', CERT_FILE);
  const certificate = { cert, key: readPem('KEY_FILE', KEY_FILE), ...(passphrase === '' ? {} : { passphrase }) };
  try {
    createSecureContext(certificate);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const password =
      passphrase === '' ? 'is empty: an encrypted key needs it' : 'is set: it must be the one of the key';
    const detail = `CERT_FILE ${CERT_FILE} and KEY_FILE ${KEY_FILE} must be a certificate and its private key in PEM: ${reason}. KEY_FILE_PASSWORD ${password}`;
    throw new GatewayError('GW_CONFIG_INVALID', { detail, cause: error });
  }
  return certificate;
}

function readPem(name: 'CERT_FILE' | 'KEY_FILE', path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('GW_CONFIG_INVALID', { detail: `${name} cannot be read: ${reason}`, cause: error });
  }
}

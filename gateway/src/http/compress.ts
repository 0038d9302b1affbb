// Compressed answers. What is small costs one comparison; what is sent again and again (lists from the cache) is compressed once.
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { chooseEncoding, type Encoding } from './encoding.ts';
import type { Answering, Asked } from './exchange-ports.ts';

type CompressionConfig = Pick<
  Config,
  'COMPRESSION_MINIMUM_SIZE' | 'COMPRESSION_GZIP_LEVEL' | 'COMPRESSION_BROTLI_QUALITY' | 'COMPRESSION_ZSTD_LEVEL'
>;

/** Longer texts are compressed in the thread pool: 32 KB take brotli 4 about half a millisecond of the event loop. */
const SYNC_BYTES = 32 * 1024;
const CACHED_BYTES = 8 * 1024 * 1024;
const SEEN_MAX = 4096;

/** What compresses well and is no stream of events. */
const compressible = /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]*\+)?(?:json|javascript|xml)|image\/svg\+xml)/;

/**
 * Not compressed: streams; answers to requests with a cookie and answers that set one (BREACH: an attacker's page can make a browser
 * send its cookie, choose part of the answer and see its length; a token in a header it cannot send); `no-transform`; what has an
 * encoding already.
 */
export function compressAnswers(app: FastifyInstance, config: CompressionConfig): void {
  app.addHook('onSend', createCompressAnswer(config));
}

/** An `onSend` hook. */
export function createCompressAnswer(config: CompressionConfig) {
  const compress = createCompress(config);
  return function compressAnswer(
    request: Asked,
    reply: Answering,
    payload: unknown,
    done: (error: Error | null, payload: unknown) => void,
  ): void {
    // Lists come from their cache as bytes.
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isWhole || payload.length < config.COMPRESSION_MINIMUM_SIZE || !mayCompress(request, reply)) {
      done(null, payload);
      return;
    }
    addVary(reply);
    const encoding = chooseEncoding(request.headers['accept-encoding']);
    if (encoding === undefined) {
      done(null, payload);
      return;
    }
    compress(payload, encoding, (error, bytes) => {
      if (error !== null || bytes === undefined) return done(null, payload);
      reply.header('content-encoding', encoding);
      reply.removeHeader('content-length');
      weakenEtag(reply);
      done(null, bytes);
    });
  };
}

function mayCompress(request: Asked, reply: Answering): boolean {
  if (request.headers.cookie !== undefined || reply.hasHeader('set-cookie')) return false;
  if (request.method === 'HEAD' || reply.hasHeader('content-encoding')) return false;
  const type = reply.getHeader('content-type');
  if (typeof type !== 'string' || !compressible.test(type)) return false;
  const control = reply.getHeader('cache-control');
  return typeof control !== 'string' || !control.includes('no-transform');
}

/** A cache between us and the client must not give one client's encoding to another. */
function addVary(reply: Answering): void {
  const vary = reply.getHeader('vary');
  if (vary === undefined) reply.header('vary', 'Accept-Encoding');
  else if (!/\baccept-encoding\b|\*/i.test(String(vary))) reply.header('vary', `${String(vary)}, Accept-Encoding`);
}

/** A strong ETag names exact bytes, which differ by encoding (RFC 9110 §8.8.1). */
function weakenEtag(reply: Answering): void {
  const etag = reply.getHeader('etag');
  if (typeof etag === 'string' && !etag.startsWith('W/')) reply.header('etag', `W/${etag}`);
}

type Done = (error: Error | null, bytes?: Buffer) => void;

/** Remembers what it compressed twice: the key is the whole text, so nobody gets bytes of another answer. */
export function createCompress(
  config: CompressionConfig,
): (text: string | Buffer, encoding: Encoding, done: Done) => void {
  const kept = new Map<string, Buffer>();
  /** Once seen, by hash: an answer that never comes again is not kept. */
  const seen = new Set<string>();
  let keptBytes = 0;
  let settings = '';

  function keep(key: string, bytes: Buffer): void {
    if (!seen.delete(key)) {
      if (seen.size >= SEEN_MAX) seen.clear();
      seen.add(key);
      return;
    }
    kept.set(key, bytes);
    keptBytes += bytes.length;
    for (const [oldest, { length }] of kept) {
      if (keptBytes <= CACHED_BYTES) break;
      kept.delete(oldest);
      keptBytes -= length;
    }
  }

  return function compress(text, encoding, done) {
    const { COMPRESSION_GZIP_LEVEL, COMPRESSION_BROTLI_QUALITY, COMPRESSION_ZSTD_LEVEL } = config;
    const now = `${COMPRESSION_GZIP_LEVEL}.${COMPRESSION_BROTLI_QUALITY}.${COMPRESSION_ZSTD_LEVEL}`;
    if (now !== settings) {
      settings = now;
      kept.clear();
      keptBytes = 0;
    }
    const source = typeof text === 'string' ? Buffer.from(text) : text;
    // 256 bits, since two texts must never share a key.
    const key = `${encoding}${createHash('sha256').update(source).digest('base64')}`;
    const known = kept.get(key);
    if (known !== undefined) return done(null, known);
    const finish: Done = (error, bytes) => {
      if (bytes !== undefined) keep(key, bytes);
      done(error, bytes);
    };
    const run = encoders[encoding];
    if (source.length <= SYNC_BYTES) return finish(null, run.sync(source, config));
    run.async(source, config, finish);
  };
}

interface Encoder {
  sync(source: Buffer, config: CompressionConfig): Buffer;
  async(source: Buffer, config: CompressionConfig, done: Done): void;
}

/** zstd came with Node 22.15; the types of Node 20 do not know it. */
interface Zstd {
  zstdCompressSync(source: Buffer, options: object): Buffer;
  zstdCompress(source: Buffer, options: object, done: Done): void;
}
const zstd = zlib as unknown as Zstd;
const ZSTD_COMPRESSION_LEVEL = 100; // zlib.constants.ZSTD_c_compressionLevel

const gzipOptions = (config: CompressionConfig) => ({ level: config.COMPRESSION_GZIP_LEVEL });
const brotliOptions = (config: CompressionConfig, size: number) => ({
  params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: config.COMPRESSION_BROTLI_QUALITY,
    [zlib.constants.BROTLI_PARAM_MODE]: zlib.constants.BROTLI_MODE_TEXT,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: size,
  },
});
const zstdOptions = (config: CompressionConfig) => ({
  params: { [ZSTD_COMPRESSION_LEVEL]: config.COMPRESSION_ZSTD_LEVEL },
});

const encoders: Record<Encoding, Encoder> = {
  gzip: {
    sync: (source, config) => zlib.gzipSync(source, gzipOptions(config)),
    async: (source, config, done) => zlib.gzip(source, gzipOptions(config), done),
  },
  br: {
    sync: (source, config) => zlib.brotliCompressSync(source, brotliOptions(config, source.length)),
    async: (source, config, done) => zlib.brotliCompress(source, brotliOptions(config, source.length), done),
  },
  zstd: {
    sync: (source, config) => zstd.zstdCompressSync(source, zstdOptions(config)),
    async: (source, config, done) => zstd.zstdCompress(source, zstdOptions(config), done),
  },
};

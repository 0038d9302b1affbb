// The HTTP server: where it listens, what it takes, what it sends.
import { Type } from 'typebox';

export const httpSettings = {
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'address to listen on' }),
  PORT: Type.Integer({
    default: 4444,
    minimum: 0,
    maximum: 65535,
    description: 'port to listen on; 0 lets the operating system choose',
  }),
  MAX_REQUEST_BYTES: Type.Integer({
    default: 4 * 1024 * 1024,
    minimum: 1024,
    maximum: 64 * 1024 * 1024,
    description: 'largest request body (bytes)',
  }),
};

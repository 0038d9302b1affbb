// Credentials of upstreams as they lie in the database: AES-256-GCM, a new nonce for each, the key derived once at the start.
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

export interface CredentialBox {
  seal(text: string): string;
  /** What was stored before encryption was set up comes back as it is. @throws GW_CREDENTIALS_UNREADABLE */
  open(stored: string): string;
}

const PREFIX = 'aes-256-gcm:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Public: it separates this key from others that the same secret serves for. */
const SALT = 'gatebench upstream credentials';

export function createCredentialBox(config: Pick<Config, 'AUTH_ENCRYPTION_SECRET' | 'JWT_SECRET_KEY'>): CredentialBox {
  const secret = config.AUTH_ENCRYPTION_SECRET === '' ? config.JWT_SECRET_KEY : config.AUTH_ENCRYPTION_SECRET;
  const key = secret === '' ? undefined : scryptSync(secret, SALT, 32);
  return {
    seal(text) {
      if (key === undefined) return text;
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(stored) {
      if (!stored.startsWith(PREFIX)) return stored;
      try {
        if (key === undefined) throw new Error('no key is set');
        const bytes = Buffer.from(stored.slice(PREFIX.length), 'base64');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
        return text.toString('utf8');
      } catch (cause) {
        const detail = 'they were encrypted with another AUTH_ENCRYPTION_SECRET (or JWT_SECRET_KEY)';
        throw new GatewayError('GW_CREDENTIALS_UNREADABLE', { detail, cause });
      }
    },
  };
}

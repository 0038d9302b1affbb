// Who may do what.
import { Type } from 'typebox';
import { seconds } from './setting.ts';

export const authSettings = {
  AUTH_REQUIRED: Type.Boolean({ default: true, description: 'refuse requests without a valid token' }),
  JWT_SECRET_KEY: Type.String({
    default: '',
    description: 'key of the tokens (HS256), at least 32 characters; needed while AUTH_REQUIRED is on',
    secret: true,
  }),
  JWT_AUDIENCE: Type.String({ default: '', description: 'audience that tokens must name; empty: any' }),
  JWT_ISSUER: Type.String({ default: '', description: 'issuer that tokens must name; empty: any' }),
  JWT_CACHE_ENABLED: Type.Boolean({ default: true, description: 'remember verified tokens' }),
  JWT_CACHE_TTL: seconds('how long a verified token is remembered; never beyond its own expiry', {
    default: 30,
    minimum: 1,
    maximum: 3600,
  }),
  JWT_CACHE_MAX_SIZE: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: 'verified tokens that are remembered',
  }),
};

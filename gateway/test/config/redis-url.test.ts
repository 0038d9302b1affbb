import { expect, it } from 'vitest';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { configOf } from '../config-of.ts';

it.each([
  ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
  ['redis://u:p%40ss@h:6380/2', { host: 'h', port: 6380, username: 'u', password: 'p@ss', db: 2 }],
  ['redis://:secret@[::1]:1/', { host: '::1', port: 1, password: 'secret', db: 0 }],
  ['rediss://h/1', { host: 'h', port: 6379, db: 1, tls: {} }],
  [
    'redis+sentinel://a:1,b/main/4',
    {
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26379 },
      ],
      name: 'main',
      db: 4,
    },
  ],
  [
    'rediss+sentinel://u:p@a/main',
    {
      sentinels: [{ host: 'a', port: 26379 }],
      ...{ name: 'main', username: 'u', password: 'p', db: 0 },
      ...{ tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true },
    },
  ],
])('reads %s', (text, address) => {
  expect(parseRedisUrl(text)).toEqual(address);
});

it.each(['redis://h:99999', 'redis+sentinel://', 'redis+sentinel://h', 'redis://h/nodb'])(
  'refuses %s without showing it',
  (text) => {
    expect(() => parseRedisUrl(text)).toThrow('must ');
  },
);

it('is refused at the start when it is not one, or missing while it is needed', () => {
  expect(() => configOf({ REDIS_URL: 'http://h' })).toThrow('REDIS_URL');
  expect(() => configOf({ REDIS_URL: 'redis://h/nodb' })).toThrow('REDIS_URL');
  expect(() => configOf({ CACHE_TYPE: 'redis' })).toThrow('REDIS_URL');
  expect(configOf({}).REDIS_URL).toBe('');
});

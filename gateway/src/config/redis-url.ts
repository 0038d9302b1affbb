// REDIS_URL → where to connect. `redis+sentinel://` has several hosts, which `URL` cannot read.
import type { RedisOptions } from 'ioredis';

export type RedisAddress = Pick<
  RedisOptions,
  | 'host'
  | 'port'
  | 'username'
  | 'password'
  | 'db'
  | 'tls'
  | 'sentinels'
  | 'name'
  | 'sentinelTLS'
  | 'enableTLSForSentinelMode'
>;

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const sentinelUrl = /^(rediss?)\+sentinel:\/\/(?:([^@/]*)@)?([^/@]+)\/([^/?]+)(?:\/(\d+))?$/;

/** @throws Error whose message does not show the URL: it may hold a password */
export function parseRedisUrl(text: string): RedisAddress {
  if (text.includes('+sentinel://')) return parseSentinelUrl(text);
  if (!URL.canParse(text)) throw new Error('must be a URL like redis://host:6379/0');
  const url = new URL(text);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...toCredentials(url.username, url.password),
    db: toDatabase(url.pathname.slice(1)),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function parseSentinelUrl(text: string): RedisAddress {
  const parts = sentinelUrl.exec(text);
  if (parts === null) throw new Error('must be like redis+sentinel://host:26379,host:26379/master/0');
  const [, scheme, user = '', hosts = '', name = '', db = ''] = parts;
  const at = user.indexOf(':');
  const sentinels = hosts.split(',').map((host) => {
    const [, address = host, port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
    return { host: address, port: port === undefined ? DEFAULT_SENTINEL_PORT : Number(port) };
  });
  const tls = scheme === 'rediss' ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {};
  const credentials = at === -1 ? toCredentials(user, '') : toCredentials(user.slice(0, at), user.slice(at + 1));
  return { sentinels, name: decodeURIComponent(name), ...credentials, db: toDatabase(db), ...tls };
}

function toCredentials(username: string, password: string): Pick<RedisAddress, 'username' | 'password'> {
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

function toDatabase(text: string): number {
  if (text === '') return 0;
  if (!/^\d+$/.test(text)) throw new Error(`must name a database by its number, got ${text}`);
  return Number(text);
}

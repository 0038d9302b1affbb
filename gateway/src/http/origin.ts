// DNS rebinding: a page in a browser must not reach a gateway on this machine through a name of its own.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
import type { onRequestHookHandler } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

/** `a, b` or, as ContextForge writes it, `["a", "b"]`. */
function toSet(text: string): ReadonlySet<string> {
  const items = text.replace(/^\s*\[|\]\s*$/g, '').split(',');
  return new Set(items.map((item) => item.trim().replace(/^"|"$/g, '')).filter((item) => item !== ''));
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

export function createIsAllowedOrigin({ ALLOWED_ORIGINS }: Pick<Config, 'ALLOWED_ORIGINS'>) {
  const allowed = toSet(ALLOWED_ORIGINS);
  return (origin: string): boolean =>
    allowed.has(origin) || (URL.canParse(origin) && isLoopback(new URL(origin).hostname));
}

/** An `onRequest` hook: GW_FORBIDDEN for an origin that is neither loopback nor allowed; no header is no browser. */
export function createRefuseForeignOrigin(config: Pick<Config, 'ALLOWED_ORIGINS'>): onRequestHookHandler {
  const isAllowed = createIsAllowedOrigin(config);
  return function refuseForeignOrigin(request, _reply, done) {
    const { origin } = request.headers;
    if (origin === undefined || isAllowed(origin)) return done();
    const detail = `origin ${origin.slice(0, 200)} may not use this gateway (ALLOWED_ORIGINS)`;
    done(new GatewayError('GW_FORBIDDEN', { detail }));
  };
}

const KNOWN_MAX = 1000;

type HostConfig = Pick<Config, 'HOST' | 'ALLOWED_HOSTS' | 'ALLOWED_ORIGINS'>;

/**
 * Whether a Host header is ours. Undefined where any will do: a gateway that does not listen on loopback has whatever names its
 * network gives it.
 */
export function createIsOwnHost(config: HostConfig): ((host: string | undefined) => boolean) | undefined {
  const named = toSet(config.ALLOWED_HOSTS.toLowerCase());
  const listensOnLoopback = isLoopback(config.HOST) || config.HOST === '::1';
  if (named.has('*') || (named.size === 0 && !listensOnLoopback)) return undefined;
  const origins = [...toSet(config.ALLOWED_ORIGINS)].filter((origin) => URL.canParse(origin));
  const allowed = new Set([...named, ...origins.map((origin) => new URL(origin).hostname)]);
  /** Headers as they were sent, so that most requests cost one look. */
  const known = new Set<string>();
  return function isOwnHost(host) {
    if (host === undefined || known.has(host)) return true;
    const hostname = toHostname(host);
    if (!allowed.has(hostname) && !isLoopback(hostname)) return false;
    if (known.size < KNOWN_MAX) known.add(host);
    return true;
  };
}

/** An `onRequest` hook: GW_FORBIDDEN for a Host header that is not ours. Undefined where any will do. */
export function createRefuseForeignHost(config: HostConfig): onRequestHookHandler | undefined {
  const isOwnHost = createIsOwnHost(config);
  if (isOwnHost === undefined) return undefined;
  return function refuseForeignHost(request, _reply, done) {
    const { host } = request.headers;
    if (isOwnHost(host)) return done();
    const detail = `host ${host?.slice(0, 200)} is no name of this gateway (ALLOWED_HOSTS)`;
    done(new GatewayError('GW_FORBIDDEN', { detail }));
  };
}

/** Without the port. */
function toHostname(host: string): string {
  return host.trim().toLowerCase().replace(/:\d+$/, '');
}

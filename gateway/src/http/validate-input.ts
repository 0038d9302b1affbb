// VALIDATION_MIDDLEWARE_ENABLED: paths and query parameters that nobody sends in good faith are refused before a route sees them.
// MCP messages are not looked into: what a tool takes is for its input schema to say.
import type { onRequestHookHandler } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

export function createValidateInput(config: Pick<Config, 'MAX_PARAM_LENGTH' | 'MAX_PATH_DEPTH'>): onRequestHookHandler {
  return function validateInput(request, _reply, done) {
    const fault = faultOf(request.url, config);
    done(fault === undefined ? undefined : new GatewayError('GW_INVALID_REQUEST', { detail: fault }));
  };
}

function faultOf(url: string, config: Pick<Config, 'MAX_PARAM_LENGTH' | 'MAX_PATH_DEPTH'>): string | undefined {
  const [path = '', query = ''] = url.split('?', 2);
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.length > config.MAX_PATH_DEPTH) {
    return `the path has ${segments.length} segments, at most ${config.MAX_PATH_DEPTH} are allowed`;
  }
  for (const text of [...segments, ...query.split('&')]) {
    if (text.length > config.MAX_PARAM_LENGTH) {
      return `the path or query has a part of ${text.length} characters, at most ${config.MAX_PARAM_LENGTH} are allowed`;
    }
    const decoded = decode(text.replaceAll('+', ' '));
    if (decoded === undefined) return 'the path or query is not percent-encoded UTF-8';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that we look for
    if (/[\u0000-\u001f\u007f-\u009f]/.test(decoded)) return 'the path or query has a control character';
    if (/(^|[/\\])\.\.([/\\]|$)/.test(decoded)) return 'the path or query climbs up (..)';
  }
  return undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

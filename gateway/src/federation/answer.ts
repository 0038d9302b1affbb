// Is what an upstream sent an answer to what we asked? Anything else is an error, never a partial success.
import { GatewayError } from '../errors.ts';
import { memberText } from '../mcp/json-text.ts';
import { isObject } from '../mcp/messages.ts';
import type { UpstreamAnswer } from './upstream.ts';
import type { WireAnswer } from './wire.ts';

/** Why an answer is none: its HTTP status. */
export class UpstreamStatus extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${status}`);
    this.name = 'UpstreamStatus';
    this.status = status;
  }
}

/**
 * @param url for the messages
 * @throws GW_UPSTREAM_INVALID
 */
export function readAnswer(answer: WireAnswer, id: number, url: string): UpstreamAnswer {
  const { status, text } = answer;
  const value = text === undefined ? undefined : (answer.value ?? parseText(text, status, url));
  if (text !== undefined && isObject(value) && value['jsonrpc'] === '2.0' && value['id'] === id) {
    const { result, error } = value;
    if (isObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string') {
      const { code, message, data } = error;
      return { ok: false, error: data === undefined ? { code, message } : { code, message, data } };
    }
    if (status === 200 && isObject(result) && error === undefined) {
      const resultJson = memberText(text, 'result', result);
      const { isError, resultType } = result;
      if (typeof resultType === 'string' && resultType !== 'complete') return { ok: true, resultJson, resultType };
      return isError === true ? { ok: true, resultJson, isError: true } : { ok: true, resultJson };
    }
  }
  if (status !== 200) throw invalid(url, `it answered HTTP ${status}`, new UpstreamStatus(status));
  throw invalid(url, `expected the JSON-RPC answer to request ${id}, got ${toShort(text)}`);
}

function parseText(text: string, status: number, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(url, `its answer (HTTP ${status}) is not JSON: ${toShort(text)}`, cause);
  }
}

function invalid(url: string, detail: string, cause?: unknown): GatewayError {
  return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${url}: ${detail}`, cause });
}

function toShort(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

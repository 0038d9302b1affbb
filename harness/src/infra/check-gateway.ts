// Asks a gateway whether it is well, and whether it takes our token: before anything is registered with it.
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { request } from 'undici';
import { HarnessError } from '../errors.ts';
import { toMessage } from './cleanup-stack.ts';
import { interrupted } from './wait.ts';

const DEADLINE_MS = 10_000;

const Health = Type.Object({ status: Type.String() });

/** @returns what it says of itself, such as `healthy`. @throws HarnessError TARGET_DOWN or TARGET_NONSENSE; INTERRUPTED */
export async function checkHealth(url: string, signal: AbortSignal): Promise<string> {
  const health = await ask(`${url}/health`, undefined, signal);
  if (health.status >= 500) throw down(url, `GET /health answered ${health.status}`);
  if (health.status !== 200 || !Value.Check(Health, health.json))
    throw nonsense(url, '/health', health, '{"status":…}');
  return health.json.status;
}

/**
 * Reads a list that every gateway of this kind has, and that the registration needs anyway.
 * @throws HarnessError TARGET_UNAUTHORIZED, TARGET_DOWN or TARGET_NONSENSE; INTERRUPTED
 */
export async function checkToken(url: string, token: string, signal: AbortSignal): Promise<void> {
  const gateways = await ask(`${url}/gateways`, token, signal);
  if (gateways.status === 401 || gateways.status === 403) {
    throw new HarnessError('TARGET_UNAUTHORIZED', { detail: `${url}: GET /gateways answered ${gateways.status}` });
  }
  if (gateways.status >= 500) throw down(url, `GET /gateways answered ${gateways.status}`);
  if (gateways.status !== 200 || typeof gateways.json !== 'object' || gateways.json === null) {
    throw nonsense(url, '/gateways', gateways, 'a list');
  }
}

export interface Answer {
  status: number;
  /** Undefined when the body is not JSON. */
  json: unknown;
  text: string;
}

/** GET. @throws HarnessError TARGET_DOWN, TARGET_NONSENSE when HTTP is not spoken; INTERRUPTED */
export async function ask(url: string, token: string | undefined, signal: AbortSignal): Promise<Answer> {
  const headers = { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  try {
    const limits = { headersTimeout: DEADLINE_MS, bodyTimeout: DEADLINE_MS, reset: true };
    const answer = await request(url, { headers, signal, ...limits });
    const body = await answer.body.text();
    // Some servers repeat the token that they refuse.
    const text = token ? body.replaceAll(token, '<token>') : body;
    return { status: answer.statusCode, json: parseJson(text), text };
  } catch (cause) {
    if (signal.aborted) throw interrupted('the target is asked');
    // A server that does not speak HTTP is there, but no gateway.
    const isHttp = !(cause instanceof Error && cause.name === 'HTTPParserError');
    const detail = `${url}: ${toMessage(cause)}`;
    throw new HarnessError(isHttp ? 'TARGET_DOWN' : 'TARGET_NONSENSE', { detail, cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function down(url: string, seen: string): HarnessError {
  return new HarnessError('TARGET_DOWN', { detail: `${url}: ${seen}`, hint: 'look into its log' });
}

function nonsense(url: string, path: string, { status, text }: Answer, expected: string): HarnessError {
  const seen = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return new HarnessError('TARGET_NONSENSE', {
    detail: `${url}: GET ${path} answered ${status} ${JSON.stringify(seen)}, expected 200 and ${expected}`,
  });
}

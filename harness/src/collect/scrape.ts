// The gateway's /metrics in the Prometheus text format, read at most once for all collectors of one moment.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
import { request } from 'undici';

export interface Sample {
  name: string;
  /** As written, without braces: `kind="major"`; empty when there are none. */
  labels: string;
  value: number;
}

export interface Scrape {
  text: string;
  samples: Sample[];
}

const TIMEOUT_MS = 2000;
/** Readings of one moment (the start of a trial, a tick) share one answer: each scrape costs the gateway CPU. */
const SHARED_MS = 100;
const recent = new WeakMap<object, { url: string; atMs: number; answer: Promise<Scrape> }>();
let momentMs = 0;

/** What was read until now is of another moment: after a load nobody may be given an answer from before its last requests. */
export function beginMoment(): void {
  momentMs = performance.now();
}

/**
 * @param gateway its identity is the key under which the answer is shared
 * @throws when it does not answer with 200 and metrics
 */
export function scrape(gateway: { url: string; token: string }): Promise<Scrape> {
  const known = recent.get(gateway);
  const nowMs = performance.now();
  const isRecent = known !== undefined && known.atMs >= Math.max(momentMs, nowMs - SHARED_MS);
  if (isRecent && known.url === gateway.url) return known.answer;
  const answer = fetchMetrics(gateway);
  recent.set(gateway, { url: gateway.url, atMs: nowMs, answer });
  return answer;
}

async function fetchMetrics({ url, token }: { url: string; token: string }): Promise<Scrape> {
  const { statusCode, body } = await request(new URL('/metrics', url), {
    headers: { authorization: `Bearer ${token}` },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`GET /metrics answered ${statusCode}, expected 200`);
  const samples = parseMetrics(text);
  if (samples.length === 0) throw new Error('GET /metrics answered 200 without a single metric');
  return { text, samples };
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;

/** Every sample of the text; comments and lines of another format are passed over. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value] = LINE.exec(line.trimEnd()) ?? [];
    if (name !== undefined && value !== undefined) samples.push({ name, labels, value: toNumber(value) });
  }
  return samples;
}

function toNumber(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** The sum over all label sets of one metric; undefined when there is none. */
export function sumOf(samples: readonly Sample[], name: string, labels = ''): number | undefined {
  const values = samples.filter((sample) => sample.name === name && sample.labels.includes(labels));
  return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0);
}

/** The value of one label; undefined when it is not there. */
export function labelOf(labels: string, name: string): string | undefined {
  for (const [, label, value] of labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (label === name)
      return value?.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
  }
  return undefined;
}

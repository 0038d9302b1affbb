// The raw file of a trial, one line per request, the same columns for both drivers.
import type { Sample } from './tally.ts';

export const RAW_HEADER = 'index,start_ms,lag_ms,latency_ms,status,outcome,bytes,request,detail';

function field(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""').replace(/[\r\n]+/g, ' ')}"` : text;
}

function milliseconds(value: number | null): string {
  return value === null ? '' : value.toFixed(3);
}

/** `index` is the place in the order of sending. Empty: not known (no lag in the closed loop, no latency without an answer). */
export function toRawLine(index: number, sample: Sample): string {
  return [
    index,
    milliseconds(sample.startMs),
    milliseconds(sample.lagMs),
    milliseconds(sample.latencyMs),
    sample.status,
    sample.outcome,
    sample.bytes,
    field(sample.request),
    field(sample.detail),
  ].join(',');
}

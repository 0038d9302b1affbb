// Numbers and times as the reader sees them. Every figure of every report is rounded here, by the decimals of its metric.
import { isMetricId, metrics } from '../metrics.ts';

/** Stands for "there is no such value". */
export const NONE = '–';
/** A percentile that lies among the time-outs and dropped requests: above every measured sample. */
export const LOST = 'lost';

export function formatNumber(value: number, decimals: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Three digits that matter: 0.62, 12.3, 145. A metric's decimals are the most it gets. */
export function formatAdaptive(value: number, mostDecimals: number): string {
  const whole = Math.max(0, Math.floor(Math.log10(Math.max(Math.abs(value), 1e-9))));
  return formatNumber(value, Math.max(0, mostDecimals - whole));
}

/** The value of a metric without its unit; error rates are fractions inside and per cent for the reader. */
export function formatMetric(id: string, value: number | null): string {
  if (value === null) return LOST;
  if (!isMetricId(id)) return formatAdaptive(value, 2);
  const metric = metrics[id];
  if (metric.unit === '%') return formatPercent(value * 100, metric.decimals);
  return formatAdaptive(value, metric.decimals);
}

export function unitOf(id: string): string {
  return isMetricId(id) ? metrics[id].unit : '';
}

export function titleOf(id: string): string {
  return isMetricId(id) ? metrics[id].title : id;
}

/** "4.20 ms" */
export function formatWithUnit(id: string, value: number | null): string {
  if (value === null) return LOST;
  return `${formatMetric(id, value)} ${unitOf(id)}`.trim();
}

/** A target is a round number that somebody wrote: "5 ms", "1,000 requests/s". */
export function formatTarget(id: string, value: number): string {
  const shown = unitOf(id) === '%' ? value * 100 : value;
  return `${shown.toLocaleString('en-US', { maximumFractionDigits: 3 })} ${unitOf(id)}`.trim();
}

/** "3.9 – 4.6"; an end of null lies beyond the samples. */
export function formatInterval(id: string, interval: readonly [number | null, number | null] | null): string {
  if (interval === null) return '';
  const [low, high] = interval;
  return `${low === null ? '?' : formatMetric(id, low)} – ${high === null ? '?' : formatMetric(id, high)}`;
}

/** A percentage without its sign, trailing zeros dropped so that "0" is plainly nothing. */
export function formatPercent(value: number, mostDecimals: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: mostDecimals });
}

/** "+12.3 %", "−4.0 %" with a true minus sign. */
export function formatChange(ratio: number | null): string {
  if (ratio === null || !Number.isFinite(ratio)) return NONE;
  return `${formatSigned((ratio - 1) * 100, 1)} %`;
}

export function formatSigned(value: number, decimals: number): string {
  const text = formatNumber(Math.abs(value), decimals);
  if (Number(text.replaceAll(',', '')) === 0) return `±${text}`;
  return `${value < 0 ? '−' : '+'}${text}`;
}

export function formatCount(value: number): string {
  return formatNumber(value, 0);
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units: 1 MB = 1,000,000 bytes. */
export function formatBytes(bytes: number): string {
  const step = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3)));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? formatNumber(value, 0) : formatAdaptive(value, 2)} ${BYTE_UNITS[step]}`;
}

/** "48.2 s", "3 min 12 s", "1 h 04 min" */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${formatAdaptive(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** Minutes and seconds since the start of the run: "3:07". */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** "2026-11-20 13:45:00 UTC" */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** "1 trial", "2 trials" */
export function formatPlural(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

// The options of `harness run`: which go together, what follows from them, and the command that repeats the run.
import { extname, join, resolve } from 'node:path';
import { DEFAULT_ROUNDS } from '../analyze/stats/power.ts';
import { HarnessError } from '../errors.ts';
import { repository } from '../paths.ts';
import type { Engine, Plan } from '../plan/plan.ts';
import { reporters } from '../report/index.ts';

export interface RunOptions {
  profile?: string;
  config: string;
  scenario: string[];
  listScenarios?: boolean;
  infrastructure?: string;
  serverProfile?: string;
  engine?: Engine;
  rounds?: number;
  seed: number;
  skipMonitoring?: boolean;
  skipReport?: boolean;
  baseline?: string | true;
  compareWith?: string;
  forceCompare?: boolean;
  against?: string;
  output?: string;
  open?: boolean;
  dryRun?: boolean;
  json?: boolean;
  targetUrl?: string;
  tokenEnv?: string;
  upstreamUrl?: string;
  gatewayNodeOptions?: string;
}

export const defaultConfig = join(repository, 'perf.config.yaml');

/** @throws USAGE */
export function checkCombinations(options: RunOptions): void {
  const usage = (detail: string) => new HarnessError('USAGE', { detail });
  if (options.targetUrl !== undefined && options.against !== undefined)
    throw usage('--against builds its own gateways, --target-url measures one that runs: give one of them');
  if (options.targetUrl !== undefined && options.infrastructure !== undefined)
    throw usage('--infrastructure starts something, --target-url measures what runs: give one of them');
  if (options.targetUrl === undefined && options.tokenEnv !== undefined)
    throw usage('--token-env goes with --target-url');
  if (options.targetUrl === undefined && options.upstreamUrl !== undefined)
    throw usage('--upstream-url goes with --target-url');
  if (options.against !== undefined && options.compareWith !== undefined)
    throw usage('--against and --compare-with are two comparisons: give one of them');
  if (options.output !== undefined) {
    const known = ['json', ...Object.values(reporters).map((reporter) => reporter.extension)];
    const extension = extname(options.output).slice(1);
    if (!known.includes(extension))
      throw usage(
        `--output ${options.output}: the extension says what is wanted, one of ${[...new Set(known)].map((one) => `.${one}`).join(', ')}`,
      );
  }
}

/** Two builds that take turns share the machine's moods, two runs do not: they need more rounds to see less. */
export function defaultRounds({ baseline, compareWith, against }: RunOptions): number {
  if (baseline !== undefined || compareWith !== undefined) return DEFAULT_ROUNDS.separate;
  return against === undefined ? 1 : DEFAULT_ROUNDS.paired;
}

/** The gateway that runs already; null when we start one. @throws USAGE */
export function readTarget(options: RunOptions): { url: string; token: string; upstreamUrl?: string } | null {
  if (options.targetUrl === undefined) return null;
  if (!URL.canParse(options.targetUrl))
    throw new HarnessError('USAGE', { detail: `--target-url must be a URL, got '${options.targetUrl}'` });
  if (options.tokenEnv === undefined)
    throw new HarnessError('USAGE', {
      detail: '--target-url needs --token-env NAME, the variable that holds the bearer token',
    });
  const token = process.env[options.tokenEnv];
  if (token === undefined || token === '')
    throw new HarnessError('USAGE', { detail: `--token-env ${options.tokenEnv}: that variable is empty` });
  return {
    url: options.targetUrl.replace(/\/+$/, ''),
    token,
    ...(options.upstreamUrl === undefined ? {} : { upstreamUrl: options.upstreamUrl }),
  };
}

/** Of `--baseline [NAME]`. */
export function baselineName(baseline: string | true): string {
  return baseline === true ? 'baseline' : baseline;
}

export function repeatCommand(plan: Plan, options: RunOptions): string {
  const parts = [
    'npm run perf --',
    '--profile',
    plan.profile,
    '--seed',
    String(plan.seed),
    '--rounds',
    String(plan.rounds),
    '--server-profile',
    plan.serverProfile,
  ];
  if (options.targetUrl !== undefined)
    parts.push('--target-url', withoutCredentials(options.targetUrl), '--token-env', options.tokenEnv ?? '');
  else parts.push('--infrastructure', plan.infrastructure);
  if (options.upstreamUrl !== undefined) parts.push('--upstream-url', withoutCredentials(options.upstreamUrl));
  if (resolve(options.config) !== defaultConfig) parts.push('--config', options.config);
  if (options.scenario.length > 0) parts.push('--scenario', ...options.scenario);
  if (options.engine !== undefined) parts.push('--engine', options.engine);
  if (options.against !== undefined) parts.push('--against', options.against);
  if (options.compareWith !== undefined) parts.push('--compare-with', options.compareWith);
  if (options.forceCompare === true) parts.push('--force-compare');
  if (options.skipMonitoring === true) parts.push('--skip-monitoring');
  if (options.gatewayNodeOptions !== undefined)
    parts.push('--gateway-node-options', JSON.stringify(options.gatewayNodeOptions));
  return parts.join(' ');
}

function withoutCredentials(text: string): string {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '…';
  url.password = '';
  return url.href;
}

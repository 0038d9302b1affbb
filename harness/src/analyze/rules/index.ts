// All rules, in the order in which findings of the same priority are shown.
import type { RunResult } from '../../result/result.ts';
import type { SloResult } from '../analysis.ts';
import type { Finding, Rule } from '../rule.ts';
import { cacheHits } from './cache-hits.ts';
import { circuitBreakers } from './circuit-breakers.ts';
import { connectionPool } from './connection-pool.ts';
import { eventLoop } from './event-loop.ts';
import { garbageCollection } from './garbage-collection.ts';
import { gatewayCpu } from './gateway-cpu.ts';
import { generator } from './generator.ts';
import { hostSettings } from './host-settings.ts';
import { idleInTransaction } from './idle-in-transaction.ts';
import { latencyVariance } from './latency-variance.ts';
import { lockWaits } from './lock-waits.ts';
import { lowHitRate } from './low-hit-rate.ts';
import { machineNoise } from './machine-noise.ts';
import { memoryGrowth } from './memory-growth.ts';
import { missedSlos } from './missed-slos.ts';
import { queriesPerRequest } from './queries-per-request.ts';
import { requestErrors } from './request-errors.ts';
import { sequentialScans } from './sequential-scans.ts';
import { slowStatements } from './slow-statements.ts';

export const rules = {
  'missed-slos': missedSlos,
  'request-errors': requestErrors,
  'circuit-breakers': circuitBreakers,
  'gateway-cpu': gatewayCpu,
  'connection-pool': connectionPool,
  'idle-in-transaction': idleInTransaction,
  'slow-statements': slowStatements,
  'queries-per-request': queriesPerRequest,
  'sequential-scans': sequentialScans,
  'cache-hits': cacheHits,
  'low-hit-rate': lowHitRate,
  'lock-waits': lockWaits,
  'event-loop': eventLoop,
  'garbage-collection': garbageCollection,
  'memory-growth': memoryGrowth,
  'latency-variance': latencyVariance,
  generator,
  'machine-noise': machineNoise,
  'host-settings': hostSettings,
} as const satisfies Record<string, Rule>;

const priorities = ['high', 'medium', 'low'];

/** Findings of all rules, high ones first. A rule that breaks says so and the others go on. */
export function evaluateRules(result: RunResult, slos: SloResult[], table: Record<string, Rule> = rules): Finding[] {
  return Object.values(table)
    .flatMap((rule) => evaluateOne(rule, result, slos))
    .sort((a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority));
}

function evaluateOne(rule: Rule, result: RunResult, slos: SloResult[]): Finding[] {
  try {
    return rule.evaluate(result, slos);
  } catch (error) {
    return [
      {
        rule: rule.id,
        priority: 'low',
        title: `"${rule.title}" is not available`,
        evidence: [`because: ${error instanceof Error ? error.message : String(error)}`],
        next: ['was result.json written by another version of the harness? Run the scenario again'],
        scenario: null,
      },
    ];
  }
}

import { PrometheusArtifact } from '../../collect/prometheus.ts';
import type { RunResult } from '../../result/result.ts';
import { toCacheUses } from '../gateway-insight.ts';
import type { Finding, Rule } from '../rule.ts';
import { scenariosOf } from '../scenarios-of.ts';
import { countOf, evidenceOf, type Sighting, withArtifact, worstByScenario } from './evidence.ts';

const WANTED_PERCENT = 80;
/** Fewer look-ups are the first of each entry, not a rate. */
const LOOKUPS = 50;

export const lowHitRate: Rule = {
  id: 'low-hit-rate',
  title: 'Caches of the gateway that seldom have the answer',
  evaluate(result) {
    const byCache = new Map<string, Sighting[]>();
    const writing = writingScenarios(result);
    for (const { trial, data } of withArtifact(result, 'prometheus', PrometheusArtifact)) {
      if (writing.has(trial.scenario)) continue;
      for (const { cache, hits, misses } of toCacheUses([data])) {
        const lookups = hits + misses;
        const percent = (100 * hits) / lookups;
        if (lookups < LOOKUPS || percent >= WANTED_PERCENT) continue;
        const text = `${hits} hits in ${lookups} look-ups of cache ${cache} (${percent.toFixed(1)} %)`;
        byCache.set(cache, [...(byCache.get(cache) ?? []), { trial, value: 100 - percent, text }]);
      }
    }
    return [...byCache].flatMap(([cache, sightings]) => toFinding(cache, worstByScenario(sightings)));
  },
};

/** Each entry that is made empties the lists: there a miss is what should be. */
function writingScenarios(result: RunResult): Set<string> {
  return new Set(scenariosOf(result).flatMap(({ id, creates }) => (creates ? [id] : [])));
}

function toFinding(cache: string, worst: Sighting[]): Finding[] {
  const [first] = worst;
  if (first === undefined) return [];
  return [
    {
      rule: 'low-hit-rate',
      priority: 'medium',
      title: `The gateway’s cache ${cache} answered only ${(100 - first.value).toFixed(1)} % of its look-ups in ${countOf(worst.length, 'scenario')}, ${WANTED_PERCENT} % are expected at steady state`,
      evidence: evidenceOf(worst, '/metrics, cache_hits_total and cache_misses_total'),
      next: [
        'see docs/settings.md for its size and TTL (`cache_evictions_total` grows: too small; not: it expires, is emptied by writes or is off)',
        'change them in a server profile (infra-profiles/server/) and compare',
      ],
      scenario: first.trial.scenario,
    },
  ];
}

// The first page: how much there is, and whether all that is needed answers.
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../errors.ts';
import { productInfo } from '../../version.ts';
import type { AdminOptions } from './administration.ts';
import type { Pages } from './pages.ts';

interface Health {
  name: string;
  state: 'good' | 'bad' | 'off';
  text: string;
}

const kinds = [
  ['tools', 'Tools', 'tools'],
  ['resources', 'Resources', 'resources'],
  ['resourceTemplates', 'Resource templates', 'templates'],
  ['prompts', 'Prompts', 'prompts'],
  ['servers', 'Virtual servers', 'servers'],
  ['gateways', 'Upstream servers', 'gateways'],
] as const;

export function overviewPage(app: FastifyInstance, pages: Pages, options: AdminOptions): void {
  const { stats, store, config } = options;
  app.get('/admin', async (request, reply) => {
    const [health, counts, executions] = await Promise.all([
      readHealth(options),
      orUndefined(stats.counts()),
      orUndefined(stats.executions()),
    ]);
    const live = stats.live();
    return pages.send(request, reply, 'overview', {
      title: 'Overview',
      health,
      counts: counts && kinds.map(([kind, title, path]) => ({ title, path, ...counts[kind] })),
      executions: executions && Object.entries(executions).map(([kind, figures]) => ({ kind, ...figures })),
      worker: {
        pid: live.pid,
        of: config.WORKERS,
        uptime: toDuration(live.uptimeSeconds),
        running: live.running,
        refused: live.refused,
        connections: live.connections,
        sessions: live.clientSessions,
        rssMb: Math.round(live.memory.rssBytes / 1e6),
      },
      database: store.pool(),
      product: productInfo,
      node: process.version,
      errors: Object.entries(live.errors).map(([code, count]) => ({ code, count })),
    });
  });
}

async function readHealth({ store, redis, poolMetrics }: AdminOptions): Promise<Health[]> {
  const state = redis?.();
  const circuits = Object.values(poolMetrics().circuit_breaker_states);
  const open = circuits.filter((circuit) => circuit.state !== 'closed').length;
  return [
    await store.ping().then(
      (): Health => ({ name: 'Database', state: 'good', text: 'answers' }),
      (): Health => ({ name: 'Database', state: 'bad', text: 'does not answer' }),
    ),
    state === undefined
      ? { name: 'Redis', state: 'off', text: 'not used' }
      : { name: 'Redis', state: state.isUp ? 'good' : 'bad', text: state.isUp ? 'answers' : 'does not answer' },
    {
      name: 'Upstreams',
      state: circuits.length === 0 ? 'off' : open > 0 ? 'bad' : 'good',
      text:
        circuits.length === 0
          ? 'none was called yet'
          : open > 0
            ? `${open} of ${circuits.length} circuits are not closed`
            : `${circuits.length} called, all answer`,
    },
  ];
}

/** A page about what is wrong is shown also when the database is away. */
async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

export function toDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.round(seconds)} s`;
}

// Pages that show figures of this worker: session pool and circuits, caches, the live chart, the log, memory.
import { getHeapSnapshot } from 'node:v8';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { GatewayError } from '../../errors.ts';
import { readOutside } from '../../registry/body.ts';
import type { AdminOptions } from './administration.ts';
import { backTo } from './forms.ts';
import { toDuration } from './overview-page.ts';
import type { Pages } from './pages.ts';

const CacheParams = Type.Object({ name: Type.String() });
const LogQuery = Type.Object({ after: Type.String({ pattern: '^\\d{1,15}$', default: '0' }) });

export function figurePages(app: FastifyInstance, pages: Pages, options: AdminOptions): void {
  const { stats, caches, poolMetrics, logTail } = options;

  app.get('/admin/pool', (request, reply) => {
    const { circuit_breaker_states: states, pool_hit_rate: hitRate, ...counts } = poolMetrics();
    return pages.send(request, reply, 'pool', {
      title: 'Sessions and circuits',
      enabled: counts.enabled,
      hitRate: `${(hitRate * 100).toFixed(1)} %`,
      counts: Object.entries(counts).flatMap(([name, value]) =>
        typeof value === 'number' ? [{ name: name.replaceAll('_', ' '), value }] : [],
      ),
      circuits: Object.entries(states).map(([url, circuit]) => ({
        url,
        ...circuit,
        isClosed: circuit.state === 'closed',
      })),
    });
  });

  app.get('/admin/caches', (request, reply) =>
    pages.send(request, reply, 'caches', {
      title: 'Caches',
      caches: caches.stats().map((cache) => {
        const looked = cache.hits + cache.misses;
        return {
          ...cache,
          path: encodeURIComponent(cache.name),
          rate: looked === 0 ? '–' : `${((cache.hits / looked) * 100).toFixed(1)} %`,
        };
      }),
    }),
  );
  app.post('/admin/caches/:name/drop', (request, reply) => {
    const { name } = readOutside(CacheParams, request.params, 'path');
    if (!caches.stats().some((cache) => cache.name === name)) {
      throw new GatewayError('GW_NOT_FOUND', { detail: `there is no cache ${name.slice(0, 80)}` });
    }
    // The other processes drop theirs too, where they share what they know.
    caches.invalidate(name);
    return backTo(reply, '/admin/caches', `the cache ${name} was dropped`);
  });

  const { chart, live, log } = pages.assets;
  app.get('/admin/live', (request, reply) =>
    pages.send(request, reply, 'live', {
      title: 'Live',
      scripts: [chart, live],
      isCounted: options.config.ENABLE_METRICS,
    }),
  );

  app.get('/admin/log', (request, reply) =>
    pages.send(request, reply, 'log', {
      title: 'Log',
      scripts: [log],
      level: options.config.LOG_LEVEL,
      lines: (logTail?.after(0) ?? []).map(({ text }) => text.trimEnd()),
      last: logTail?.after(0).at(-1)?.seq ?? 0,
    }),
  );
  app.get('/admin/log/lines', { config: { rateLimit: false } }, (request, reply) => {
    const { after } = readOutside(LogQuery, request.query, 'query');
    return reply.header('cache-control', 'no-store').send({ lines: logTail?.after(Number(after)) ?? [] });
  });

  app.get('/admin/memory', (request, reply) => {
    const { process: used, heap, handles, pid, uptimeSeconds } = stats.memory();
    return pages.send(request, reply, 'memory', {
      title: 'Memory',
      pid,
      uptime: toDuration(uptimeSeconds),
      used: toMegabytes(used),
      heap: toMegabytes(heap),
      handles: Object.entries(handles).map(([name, count]) => ({ name, count })),
    });
  });
}

/** Members that are counts and no sizes are left as they are. */
function toMegabytes(sizes: object) {
  return Object.entries(sizes).map(([name, value]: [string, unknown]) => ({
    name: name.replaceAll('_', ' '),
    value: typeof value === 'number' && value >= 10_000 ? `${(value / 1e6).toFixed(1)} MB` : String(value),
  }));
}

/**
 * A heap snapshot of this worker. It holds everything that is in memory, secrets too, and the worker does nothing else while it is
 * made: POST, so that no link and no other site starts one.
 */
export function heapSnapshotRoute(app: FastifyInstance): void {
  app.post('/admin/memory-snapshot', (_request, reply) => {
    const name = `gateway-${process.pid}-${Math.round(process.uptime())}s.heapsnapshot`;
    return reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('cache-control', 'no-store')
      .send(getHeapSnapshot());
  });
}

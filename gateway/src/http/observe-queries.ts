// Tells the query log which request a statement belongs to. Only there when DB_QUERY_LOG_ENABLED is on.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { QueryLog, QueryScope } from '../store/query-log.ts';

export function observeQueries(app: FastifyInstance, queryLog: QueryLog): void {
  const scopes = new WeakMap<FastifyRequest, QueryScope>();
  const scopeOf = (request: FastifyRequest): QueryScope => {
    const known = scopes.get(request);
    if (known !== undefined) return known;
    const scope = queryLog.createScope(`${request.method} ${request.routeOptions.url ?? 'unknown'}`);
    scopes.set(request, scope);
    return scope;
  };
  app.addHook('onRequest', (request, _reply, done) => queryLog.within(scopeOf(request), done));
  // The body arrives in the context of its connection: from there on the scope is entered again.
  app.addHook('preValidation', (request, _reply, done) => queryLog.within(scopeOf(request), done));
}

// GET and PUT /admin/config/passthrough-headers, as ContextForge has them: which headers of clients go on to all upstreams.
import type { FastifyPluginCallback } from 'fastify';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { type GlobalPassthrough, HeaderNames } from '../federation/global-passthrough.ts';
import { namesOf } from '../federation/passthrough.ts';
import { readOutside } from '../registry/body.ts';

const Body = Type.Object({
  passthrough_headers: Type.Union([HeaderNames, Type.Null()], { description: 'null: DEFAULT_PASSTHROUGH_HEADERS' }),
});

export interface PassthroughOptions {
  config: Pick<Config, 'DEFAULT_PASSTHROUGH_HEADERS' | 'ENABLE_HEADER_PASSTHROUGH'>;
  passthrough: GlobalPassthrough;
  /** Tells the other processes. */
  changed: () => void;
}

/** Behind `requireAdmin`. */
export const passthroughRoutes: FastifyPluginCallback<PassthroughOptions> = (app, options, done) => {
  const { config, passthrough, changed } = options;
  const path = '/admin/config/passthrough-headers';
  const show = (names: readonly string[] | undefined) => ({
    passthrough_headers: names ?? namesOf(config.DEFAULT_PASSTHROUGH_HEADERS),
    source: names === undefined ? 'DEFAULT_PASSTHROUGH_HEADERS' : 'database',
    enabled: config.ENABLE_HEADER_PASSTHROUGH,
  });

  app.get(path, async () => show(await passthrough.read()));

  app.put(path, async (request) => {
    const names = readOutside(Body, request.body, 'body').passthrough_headers ?? undefined;
    await passthrough.change(names);
    changed();
    return show(names);
  });
  done();
};

// Style and scripts, each at an address that holds its hash: a browser asks for each version once.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { adminFolder } from './templates.ts';

const assets = {
  style: { file: 'admin.css', type: 'text/css; charset=utf-8' },
  live: { file: 'live.js', type: 'text/javascript; charset=utf-8' },
  log: { file: 'log.js', type: 'text/javascript; charset=utf-8' },
  chart: { file: 'chart.umd.min.js', type: 'text/javascript; charset=utf-8' },
};

export type AssetUrls = Record<keyof typeof assets, string>;

export async function serveAssets(app: FastifyInstance): Promise<AssetUrls> {
  const urls: Partial<AssetUrls> = {};
  for (const name of Object.keys(assets) as (keyof typeof assets)[]) {
    const { file, type } = assets[name];
    const text = await readFile(name === 'chart' ? chartLibrary(file) : join(adminFolder, 'assets', file), 'utf8');
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const url = `/admin/assets/${hash}-${file}`;
    app.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.header('content-type', type).header('cache-control', 'public, max-age=31536000, immutable').send(text),
    );
    urls[name] = url;
  }
  return urls as AssetUrls;
}

/** Its package names no file of the build that browsers take without modules: it lies beside the one it names. */
function chartLibrary(file: string): string {
  return join(dirname(createRequire(import.meta.url).resolve('chart.js')), file);
}

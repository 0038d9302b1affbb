// The package's version, read once. The sources and the build lie at different depths below package.json.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `version` of the nearest package.json above this file. */
export const version: string = readVersion(import.meta.dirname);

/** Who we say we are: to clients (`serverInfo`) and to upstreams (`clientInfo`). */
export const productInfo = { name: 'gatebench-gateway', version };

function readVersion(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  return readVersion(dirname(folder));
}

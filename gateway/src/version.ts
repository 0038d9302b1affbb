// The package's folder and version. The sources, what is compiled and the bundle lie at different depths below package.json.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where package.json is: what is not compiled (templates, styles) is found from here. */
export const packageFolder: string = findPackage(import.meta.dirname);

export const version: string = readVersion();

/** Who we say we are: to clients (`serverInfo`) and to upstreams (`clientInfo`). */
export const productInfo = { name: 'gatebench-gateway', version };

function findPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findPackage(dirname(folder));
}

function readVersion(): string {
  return (JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }).version;
}

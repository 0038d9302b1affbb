// `npm run build`, second part: the gateway as it runs, one file and what is loaded on demand instead of some 1,400 modules: a
// worker starts in a third of the time and needs a quarter less memory (docs/performance.md). What `tsc` builds is for tests,
// benches and the harness.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const dir = join(import.meta.dirname, 'dist/bundle');

await build({
  cwd: import.meta.dirname,
  input: { gateway: 'src/main.ts' },
  platform: 'node',
  // Native code, and files that lie beside the module that serves them.
  external: ['better-sqlite3', '@fastify/swagger-ui'],
  // Node 20 has no `using`.
  transform: { target: 'node20' },
  output: { dir, format: 'esm', cleanDir: true, sourcemap: true },
});

// V8 keeps the source of a program, and one character beyond Latin-1 doubles what that takes: 4 MB of each worker. They stand in
// strings and comments only. Lines stay where they are.
const file = join(dir, 'gateway.js');
const toEscape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
writeFileSync(file, readFileSync(file, 'utf8').replace(/[^\0-\xff]/g, toEscape));

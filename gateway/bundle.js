// `npm run build`, second part: the gateway as it runs, one file and what is loaded on demand instead of some 1,400 modules: a
// worker starts in a third of the time and needs a quarter less memory (docs/performance.md). What `tsc` builds is for tests,
// benches and the harness.
import { build } from 'rolldown';

await build({
  cwd: import.meta.dirname,
  input: { gateway: 'src/main.ts' },
  platform: 'node',
  // Native code, and files that lie beside the module that serves them.
  external: ['better-sqlite3', '@fastify/swagger-ui'],
  // Node 20 has no `using`.
  transform: { target: 'node20' },
  output: { dir: 'dist/bundle', format: 'esm', cleanDir: true, sourcemap: true },
});

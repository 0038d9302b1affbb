// The layers of ARCHITECTURE.md: imports go down only, siblings never import each other.

/** Layers from the top; a layer's parts are siblings. */
const gateway = [
  ['main'],
  ['cluster'],
  ['serve'],
  ['app'],
  ['http'],
  ['registry', 'auth', 'federation', 'plugins', 'records'],
  ['cache', 'store'],
  ['mcp'],
  ['telemetry'],
  ['ssrf'],
  ['config', 'metrics'],
  ['parse', 'errors', 'version', 'shown-url'],
];
const harness = [
  ['cli'],
  ['commands'],
  ['run'],
  ['trial'],
  ['progress', 'gate'],
  ['analyze', 'report'],
  ['metrics'],
  ['collect'],
  ['infra', 'load', 'upstream'],
  ['result'],
  ['plan'],
  ['version'],
  ['errors', 'paths', 'random', 'redact', 'process-identity'],
];

/** Files that a sibling may import: ports, and what reports show. */
const ports = [
  'gateway/src/registry/catalog.ts',
  'gateway/src/federation/upstream.ts',
  'harness/src/analyze/analysis.ts',
  'harness/src/analyze/gateway-insight.ts',
  'harness/src/analyze/rule.ts',
];

function path(packageName, part) {
  return `^${packageName}/src/${part}(\\.ts$|/)`;
}

function rulesOf(packageName, layers) {
  return layers.flatMap((parts, index) =>
    parts.map((part) => {
      const above = layers.slice(0, index).flat();
      const siblings = parts.filter((other) => other !== part);
      const forbidden = [...above, ...siblings];
      return {
        name: `${packageName}-${part}-imports-down`,
        severity: 'error',
        comment: `${packageName}/src/${part} must not import ${forbidden.join(', ')}`,
        from: { path: path(packageName, part) },
        to: {
          path: forbidden.length === 0 ? '^$' : forbidden.map((other) => path(packageName, other)).join('|'),
          pathNot: ports.join('|'),
        },
      };
    }),
  );
}

module.exports = {
  forbidden: [
    ...rulesOf('gateway', gateway),
    ...rulesOf('harness', harness),
    {
      name: 'harness-knows-only-the-gateways-door',
      severity: 'error',
      comment: 'any gateway can stand in its place: only the configuration schema and the parser are shared',
      from: { path: '^harness/src' },
      to: { path: '^gateway/', pathNot: '^gateway/(dist/)?src/(config|parse)' },
    },
    { name: 'gateway-knows-no-harness', severity: 'error', from: { path: '^gateway/src' }, to: { path: '^harness/' } },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unlisted-dependency',
      severity: 'error',
      from: { path: '^(gateway|harness)/src' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};

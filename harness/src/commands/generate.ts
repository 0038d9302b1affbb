// `harness generate`: editor schemas of the YAML files and the option tables of the docs, from the TypeBox schemas. `--check` fails when stale.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import type { TSchema } from 'typebox';
import { HarnessError } from '../errors.ts';
import { metrics } from '../metrics.ts';
import { repository } from '../paths.ts';
import { PerfConfig } from '../plan/config.ts';
import { InfrastructureProfile, PostgresProfile, ServerProfile } from '../plan/infrastructure-profile.ts';
import { LoadProfile } from '../plan/load-profile.ts';
import { Scenario } from '../plan/scenario.ts';
import { writeWhole } from '../result/run-folder.ts';
import { settingsPage } from './settings-page.ts';

const schemas: Record<string, TSchema> = {
  'perf-config': PerfConfig,
  scenario: Scenario,
  'load-profile': LoadProfile,
  'infrastructure-profile': InfrastructureProfile,
  'server-profile': ServerProfile,
  'postgres-profile': PostgresProfile,
};

export function addGenerateCommand(program: Command): void {
  program
    .command('generate')
    .description('write what is generated: editor schemas, docs/configuration.md, docs/settings.md')
    .option('--check', 'write nothing; fail when a file is stale')
    .addHelpText('after', '\nExample:\n  npx harness generate --check')
    .action((options: { check?: boolean }) => {
      const files = generatedFiles();
      const stale = Object.entries(files).filter(
        ([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text,
      );
      if (options.check !== true) for (const [file, text] of stale) writeWhole(file, text);
      const names = stale.map(([file]) => relative(repository, file)).join(', ');
      if (options.check === true && stale.length > 0) {
        throw new HarnessError('CONFIG_INVALID', {
          detail: `stale: ${names}`,
          hint: '`npx harness generate` writes them again',
        });
      }
      process.stdout.write(stale.length === 0 ? 'everything generated is up to date\n' : `written: ${names}\n`);
    });
}

/** Absolute path → text. */
export function generatedFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const text = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema };
    files[join(repository, `harness/schemas/${name}.schema.json`)] = `${JSON.stringify(text, null, 2)}\n`;
  }
  files[join(repository, 'docs/configuration.md')] = configurationPage();
  files[join(repository, 'docs/settings.md')] = settingsPage();
  return files;
}

function configurationPage(): string {
  const metricRows = Object.entries(metrics).map(
    ([id, metric]) => `| \`${id}\` | ${metric.title} | ${metric.unit} | ${metric.better} | ${metric.loop ?? 'both'} |`,
  );
  return [
    '# Configuration',
    '',
    'Generated from the schemas by `npx harness generate`; do not edit.',
    '',
    '## perf.config.yaml',
    '',
    ...table(PerfConfig),
    '## Scenario (`scenarios/<id>.yaml`)',
    '',
    ...table(Scenario),
    '## Load profile (`scenarios/load-profiles/<id>.yaml`)',
    '',
    ...table(LoadProfile),
    '## Infrastructure profile (`infra-profiles/<id>.yaml`)',
    '',
    ...table(InfrastructureProfile),
    '## Metrics: the names of SLOs and of what a gate compares',
    '',
    '| metric | what | unit | better | judged under the loop |',
    '|---|---|---|---|---|',
    ...metricRows,
    '',
  ].join('\n');
}

interface SchemaNode {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  anyOf?: { const?: unknown; type?: string }[];
  minimum?: number;
  exclusiveMinimum?: number;
}

function table(schema: TSchema): string[] {
  return ['| property | type | default | what |', '|---|---|---|---|', ...rows(schema as SchemaNode, ''), ''];
}

function rows(node: SchemaNode, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const nested = child.properties !== undefined ? rows(child, `${path}.`) : rows(child.items ?? {}, `${path}[].`);
    if (child.properties !== undefined) return nested;
    const fallback = child.default === undefined || nested.length > 0 ? '' : `\`${JSON.stringify(child.default)}\``;
    return [`| \`${path}\` | ${typeOf(child)} | ${fallback} | ${child.description ?? ''} |`, ...nested];
  });
}

function typeOf(node: SchemaNode): string {
  if (node.anyOf !== undefined)
    return node.anyOf.map((one) => (one.const === undefined ? one.type : `\`${one.const}\``)).join(', ');
  const limit =
    node.minimum !== undefined
      ? ` ≥ ${node.minimum}`
      : node.exclusiveMinimum !== undefined
        ? ` > ${node.exclusiveMinimum}`
        : '';
  return `${node.type ?? 'any'}${limit}`;
}

// docs/settings.md: every setting of the gateway, from its own schema.
import { aliases, meaningless, refused, sections } from '@gatebench/gateway/config';

interface Setting {
  type?: string;
  enum?: readonly unknown[];
  anyOf?: { const?: unknown; type?: string; enum?: readonly unknown[] }[];
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  live?: boolean;
  secret?: boolean;
  sourceNote?: string;
}

export function settingsPage(): string {
  return [
    '# Settings of the gateway',
    '',
    'Generated from the schemas by `npx harness generate`; do not edit.',
    '',
    'Settings are environment variables. A value that breaks its schema stops the start, with all faults named at once. **live**: `PATCH',
    '/admin/config` changes it while the gateway runs. Other names of the source documents are accepted; the setting’s own name wins.',
    '',
    ...Object.entries(sections).flatMap(([title, settings]) => [`## ${title}`, '', ...table(settings), '']),
    '## Refused',
    '',
    'Features of the source that are not built. Switched on, they stop the start with this reason; off, they change nothing.',
    '',
    ...reasons(refused),
    '',
    '## Meaningless on Node',
    '',
    'Accepted, so that an environment of the source works unchanged, told once at the start, and otherwise without effect.',
    '',
    ...reasons(meaningless),
    '',
  ].join('\n');
}

function reasons(table: Record<string, string>): string[] {
  const rows = Object.entries(table).map(([name, reason]) => `| \`${name}\` | ${escapeCell(reason)} |`);
  return ['| setting | why |', '|---|---|', ...rows];
}

function table(settings: Record<string, Setting>): string[] {
  return [
    '| setting | values | default | what |',
    '|---|---|---|---|',
    ...Object.entries(settings).map(([name, setting]) => {
      const others = Object.entries(aliases).flatMap(([alias, own]) => (own === name ? [`\`${alias}\``] : []));
      const notes = [
        setting.description ?? '',
        ...(others.length === 0 ? [] : [`also ${others.join(', ')}`]),
        ...(setting.sourceNote === undefined ? [] : [`*the source:* ${setting.sourceNote}`]),
        ...(setting.live === true ? ['**live**'] : []),
      ];
      return `| \`${name}\` | ${valuesOf(setting)} | ${defaultOf(setting)} | ${notes.map(escapeCell).join('; ')} |`;
    }),
  ];
}

function valuesOf({ type, enum: values, anyOf, minimum, maximum }: Setting): string {
  if (anyOf !== undefined)
    return anyOf.map((one) => (one.const === undefined ? valuesOf(one) : String(one.const))).join(', ');
  if (values !== undefined) return values.map(String).join(', ');
  if (type === 'boolean') return 'true, false';
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return type === 'string' || type === undefined ? 'text' : type;
}

function defaultOf({ default: value, secret }: Setting): string {
  if (value === '') return 'empty';
  return secret === true ? `\`${String(value).replace(/:\/\/.*@/, '://…@')}\`` : `\`${String(value)}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

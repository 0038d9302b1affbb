// The settings in force, for people: value, origin, what may change while the gateway runs. Secrets are never shown.
import { Config, type ResolvedConfig, type SettingName, secrets, sections } from '../config.ts';

export interface ShownSetting {
  section: string;
  value: unknown;
  default: unknown;
  origin: string;
  /** `PATCH /admin/config` may change it. */
  live: boolean;
  description: string;
}

export function showSettings({ config, origins }: ResolvedConfig): Record<SettingName, ShownSetting> {
  const shown = Object.entries(Config.properties).map(([key, schema]) => {
    const name = key as SettingName;
    const hide = (value: unknown) => (secrets.has(name) && value !== '' ? '<hidden>' : value);
    const setting: ShownSetting = {
      section: Object.entries(sections).find(([, settings]) => name in settings)?.[0] ?? '',
      value: hide(config[name]),
      default: hide('default' in schema ? schema.default : undefined),
      origin: origins[name],
      live: 'live' in schema && schema.live === true,
      description: 'description' in schema ? String(schema.description) : '',
    };
    return [name, setting];
  });
  return Object.fromEntries(shown) as Record<SettingName, ShownSetting>;
}

/** What an .env file would read otherwise than it is: line breaks, comments, quotes, blanks at the ends. */
function toEnvText(text: string): string {
  if (!/[\n\r#"'`\\]|^\s|\s$/.test(text)) return text;
  // Node's parser reads `\n` within double quotes as a line break, and nothing else; within the others nothing at all.
  const quote = ['"', "'", '`'].find((one) => !text.includes(one)) ?? '"';
  return `${quote}${quote === '"' ? text.replaceAll('\n', '\\n') : text}${quote}`;
}

/** `NAME=value  # origin`, by section: an .env file, but for secrets. */
export function printSettings(resolved: ResolvedConfig): string {
  const lines: string[] = [];
  let section = '';
  for (const [name, setting] of Object.entries(showSettings(resolved))) {
    if (setting.section !== section) lines.push(`${lines.length > 0 ? '\n' : ''}# ${setting.section}`);
    section = setting.section;
    lines.push(`${name}=${toEnvText(String(setting.value))}  # ${setting.origin}`);
  }
  return `${lines.join('\n')}\n`;
}

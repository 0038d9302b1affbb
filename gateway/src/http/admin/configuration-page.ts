// The settings in force by section, each with its origin; those that are read at use can be changed here.
import type { FastifyInstance } from 'fastify';
import { showSettings } from '../../config/show.ts';
import { GatewayError } from '../../errors.ts';
import type { SettingsPort } from '../admin-config.ts';
import { backTo, toForm } from './forms.ts';
import type { Pages } from './pages.ts';

export function configurationPage(app: FastifyInstance, pages: Pages, settings: SettingsPort): void {
  app.get('/admin/configuration', (request, reply) => {
    const sections = new Map<string, object[]>();
    for (const [name, { section, value, default: usual, ...setting }] of Object.entries(
      showSettings(settings.current),
    )) {
      const shown = sections.get(section) ?? [];
      sections.set(section, shown);
      shown.push({
        ...setting,
        name,
        value: String(value),
        usual: String(usual),
        isFlag: typeof value === 'boolean',
        isTrue: value === true,
        isChanged: value !== usual,
      });
    }
    return pages.send(request, reply, 'configuration', {
      title: 'Configuration',
      sections: [...sections].map(([title, shown], at) => ({ title, anchor: `section-${at}`, settings: shown })),
    });
  });

  app.post('/admin/configuration', async (request, reply) => {
    const { name = '', value = '' } = toForm(request.body);
    const known = Object.entries(showSettings(settings.current)).find(([one]) => one === name)?.[1];
    if (known === undefined) {
      throw new GatewayError('GW_NOT_FOUND', { detail: `there is no setting ${name.slice(0, 80)}` });
    }
    try {
      await settings.change({ [name]: toTyped(value, known.value) });
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'GW_CONFIG_INVALID') throw error;
      // The form is at fault here, not the gateway's own configuration.
      throw new GatewayError('GW_INVALID_REQUEST', { detail: error.detail, faults: error.faults, cause: error });
    }
    return backTo(reply, '/admin/configuration', `${name} is ${value} now`);
  });
}

/** As the value that is there; what does not read so stays text, and the schema's message names it. */
function toTyped(text: string, current: unknown): unknown {
  if (typeof current === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (typeof current === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

// The fast time server's whole offer.
import type { OfferParts } from '../offer.ts';
import { fastTimePrompts } from './prompts.ts';
import { fastTimeResources, fastTimeTemplates } from './resources.ts';
import { fastTimeTools } from './tools.ts';

export const fastTimeParts: OfferParts = {
  tools: fastTimeTools,
  resources: fastTimeResources,
  templates: fastTimeTemplates,
  prompts: fastTimePrompts,
};

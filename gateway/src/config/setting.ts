// How a setting is described: a TypeBox schema with its default, limits, unit and, by `live`, whether it can change at run time.
import { Type } from 'typebox';

/** Keywords of ours beside JSON Schema's. */
export interface SettingNotes {
  /** `PATCH /admin/config` may change it while the gateway runs: it is read when it is used, never kept. */
  live?: true;
  /** Never shown: not in messages, logs or the configuration in force. */
  secret?: true;
  /** What the source documents say where they disagree with each other, for docs/settings.md. */
  sourceNote?: string;
}

interface Limits extends SettingNotes {
  default: number;
  minimum: number;
  maximum: number;
}

export const seconds = (description: string, limits: Limits) =>
  Type.Number({ ...limits, description: `${description} (seconds)` });

export const count = (description: string, limits: Limits) => Type.Integer({ ...limits, description });

export const flag = (description: string, isOn: boolean, notes: SettingNotes = {}) =>
  Type.Boolean({ default: isOn, description, ...notes });

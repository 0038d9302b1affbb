// https://modelcontextprotocol.io/specification/2026-07-28/server/discover
import { spokenVersions } from '../versions.ts';
import type { Method } from './method.ts';

/** Lists tell their changes on a stream of `subscriptions/listen`. */
const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
};

const result = JSON.stringify({ supportedVersions: spokenVersions, capabilities });

/** The same for every server here: what an upstream offers shows in the lists. */
export const serverDiscover: Method = () => result;

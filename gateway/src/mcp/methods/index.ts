import { completionComplete } from './completion-complete.ts';
import { initialize } from './initialize.ts';
import { createList } from './list.ts';
import { loggingSetLevel } from './logging-set-level.ts';
import type { Method } from './method.ts';
import { ping } from './ping.ts';
import { promptsGet } from './prompts-get.ts';
import { resourcesRead } from './resources-read.ts';
import { resourcesSubscribe, resourcesUnsubscribe } from './resources-subscribe.ts';
import { toolsCall } from './tools-call.ts';

/** A Map, so that no method name reaches `Object.prototype`. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['initialize', initialize],
  ['ping', ping],
  ['tools/list', createList('tools')],
  ['tools/call', toolsCall],
  ['resources/list', createList('resources')],
  ['resources/read', resourcesRead],
  ['resources/subscribe', resourcesSubscribe],
  ['resources/unsubscribe', resourcesUnsubscribe],
  ['resources/templates/list', createList('resourceTemplates')],
  ['prompts/list', createList('prompts')],
  ['prompts/get', promptsGet],
  ['completion/complete', completionComplete],
  ['logging/setLevel', loggingSetLevel],
]);

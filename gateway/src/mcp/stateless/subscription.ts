// What a client asked to be told of, and the messages that tell it. Pure.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
import { productInfo } from '../../version.ts';
import { isObject, type RpcRequest, toResultText } from '../messages.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { metaKeys } from './envelope.ts';

const listFields = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const;

/** As the client stated it; unknown members are those of extensions that we do not have, and not honoured. */
export interface SubscriptionFilter {
  toolsListChanged?: true;
  promptsListChanged?: true;
  resourcesListChanged?: true;
  resourceSubscriptions?: string[];
}

/** Bounds what one stream can start. */
export const MAX_URIS = 1_000;

/** @throws RpcError -32602 */
export function readFilter(request: RpcRequest): SubscriptionFilter {
  const asked = request.params?.['notifications'];
  if (!isObject(asked)) throw invalid('notifications must be an object');
  const filter: SubscriptionFilter = {};
  for (const field of listFields) {
    const value = asked[field];
    if (value !== undefined && typeof value !== 'boolean') throw invalid(`${field} must be true or false`);
    if (value === true) filter[field] = true;
  }
  const uris = asked['resourceSubscriptions'];
  if (uris === undefined) return filter;
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    throw invalid('resourceSubscriptions must be a list of URIs');
  }
  if (uris.length > MAX_URIS) throw invalid(`resourceSubscriptions holds at most ${MAX_URIS} URIs, got ${uris.length}`);
  filter.resourceSubscriptions = [...new Set(uris)];
  return filter;
}

/** The first message of the stream: what of it we do. */
export function toAcknowledged(idJson: string, honoured: SubscriptionFilter): string {
  return toTagged(idJson, 'notifications/subscriptions/acknowledged', { notifications: honoured });
}

/** A notification with the mark of its subscription. */
export function toTagged(idJson: string, method: string, params: Record<string, unknown>): string {
  const { _meta, ...rest } = params;
  const meta = JSON.stringify(isObject(_meta) ? _meta : {});
  const tag = `${JSON.stringify(metaKeys.subscriptionId)}:${idJson}`;
  const marked = meta === '{}' ? `{${tag}}` : `{${tag},${meta.slice(1)}`;
  const others = JSON.stringify(rest).slice(1);
  const json = others === '}' ? `{"_meta":${marked}}` : `{"_meta":${marked},${others}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${json}}`;
}

/** The last message, when it is we who end the stream. */
export function toClosed(idJson: string): string {
  const meta = `{${JSON.stringify(metaKeys.subscriptionId)}:${idJson},${JSON.stringify(metaKeys.serverInfo)}:${JSON.stringify(productInfo)}}`;
  return toResultText(idJson, `{"resultType":"complete","_meta":${meta}}`);
}

function invalid(message: string): RpcError {
  return new RpcError(rpcCodes.invalidParams, `Invalid params: ${message}`);
}

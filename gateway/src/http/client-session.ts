// A stateful session of an MCP client, whatever the transport: whose it is, what it agreed on, what runs in it, and the way to
// the client. A transport gives it an outlet (Streamable HTTP: streams that can be resumed).
import { randomUUID } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { isObject, type RpcResponse } from '../mcp/messages.ts';
import type { CallerIdentity, CancelSignal, ClientPeer, ForwardedAnswer, McpSession } from '../mcp/ports.ts';
import { assumedVersion, type ProtocolVersion } from '../mcp/versions.ts';
import type { Cancellable } from './caller.ts';
import { type ClientRequestSettings, ClientRequests, toNotificationText } from './client-requests.ts';
import { EventLog, type EventLogOptions, type LoggedEvent } from './event-log.ts';
import { SessionStream } from './session-stream.ts';
import type { Outlet } from './sse-stream.ts';

export interface ClientSessionOptions {
  identity: CallerIdentity;
  serverId: string | undefined;
  settings: ClientRequestSettings;
  events: EventLogOptions;
  nowMs: () => number;
  resourceUpdated?: ((uri: string) => void) | undefined;
  /** Of the process that has it; undefined: nobody else has any. */
  mark?: string | undefined;
  /** It was another process': what that one sent is not kept here. */
  id?: string;
}

export class ClientSession implements McpSession, ClientPeer {
  readonly id: string;
  readonly identity: CallerIdentity;
  readonly serverId: string | undefined;
  /** Running requests, by id. */
  readonly calls: Cancellable = new Map();
  /** As `initialize` agreed. */
  protocolVersion: ProtocolVersion = assumedVersion;
  clientCapabilities: Record<string, unknown> = {};
  /** URIs, as the client knows them. */
  readonly subscriptions = new Set<string>();
  /** Told of what somebody who takes it over has to know. */
  onChange: (() => void) | undefined;
  /** For messages that belong to no request; undefined while the client has opened none. */
  standing: Outlet | undefined;
  usedAtMs: number;
  readonly #settings: ClientRequestSettings;
  readonly #requests: ClientRequests;
  readonly #events: EventLog;
  readonly #streams = new Map<number, SessionStream>();
  readonly #endListeners: (() => void | Promise<void>)[] = [];
  readonly #resourceUpdated: ((uri: string) => void) | undefined;
  /** It was another process' before. */
  readonly isTakenOver: boolean;
  #logLevel: string | undefined;
  #holds = 0;
  #isOver = false;
  #isTold = false;

  constructor(options: ClientSessionOptions) {
    const { identity, serverId, settings, events, nowMs, resourceUpdated, mark, id } = options;
    this.id = id ?? (mark === undefined ? randomUUID() : `${randomUUID()}.${mark}`);
    this.isTakenOver = id !== undefined;
    this.#resourceUpdated = resourceUpdated;
    this.identity = identity;
    this.serverId = serverId;
    this.usedAtMs = nowMs();
    this.#settings = settings;
    this.#requests = new ClientRequests(settings);
    // No id that the process before gave out may mean something else here.
    this.#events = new EventLog(events, this.isTakenOver ? Date.now() : 0);
  }

  get peer(): ClientPeer {
    return this;
  }

  get logLevel(): string | undefined {
    return this.#logLevel;
  }

  set logLevel(level: string | undefined) {
    this.#logLevel = level;
    this.onChange?.();
  }

  subscribed(uri: string, isOn: boolean): void {
    if (isOn) this.subscriptions.add(uri);
    else this.subscriptions.delete(uri);
    this.onChange?.();
  }

  /** What `initialize` settles. @param capabilities as the client states them */
  agree(protocolVersion: ProtocolVersion, capabilities: unknown): void {
    this.protocolVersion = protocolVersion;
    if (!isObject(capabilities)) return;
    const { elicitation, ...others } = capabilities;
    const isElicited = elicitation !== undefined && this.#settings.MCPGATEWAY_ELICITATION_ENABLED;
    this.clientCapabilities = isElicited ? { ...others, elicitation } : others;
  }

  /** A busy session does not end by its age. */
  get isBusy(): boolean {
    return this.#holds > 0 || this.calls.size > 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Keeps the session alive, as an open connection does, until what it returns is called. */
  hold(): () => void {
    let isHeld = true;
    this.#holds++;
    return () => {
      if (isHeld) this.#holds--;
      isHeld = false;
    };
  }

  notify(method: string, paramsJson: string | undefined): void {
    if (method === 'notifications/resources/updated' && paramsJson !== undefined) {
      const params: unknown = JSON.parse(paramsJson);
      if (isObject(params) && typeof params['uri'] === 'string') this.#resourceUpdated?.(params['uri']);
    }
    this.standing?.send(toNotificationText(method, paramsJson));
  }

  request(method: string, paramsJson: string | undefined, signal: CancelSignal): Promise<ForwardedAnswer> {
    const { standing } = this;
    if (standing !== undefined) return this.ask(() => standing, method, paramsJson, signal);
    return Promise.reject(new GatewayError('GW_CLIENT_UNREACHABLE', { detail: 'its session has no event stream' }));
  }

  /** `request` by another way out than the standing one: the stream of the request that it belongs to. */
  ask(
    open: () => Outlet,
    method: string,
    paramsJson: string | undefined,
    signal: CancelSignal,
  ): Promise<ForwardedAnswer> {
    if (!this.#isOver) return this.#requests.request(open, method, paramsJson, signal);
    return Promise.reject(new GatewayError('GW_CLIENT_UNREACHABLE', { detail: 'its session has ended' }));
  }

  takeResponse(response: RpcResponse): void {
    this.#requests.take(response);
  }

  openStream(): SessionStream {
    const stream = new SessionStream(this.#events);
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /** Nothing more goes out on it; what did can still be fetched. */
  endStream(stream: SessionStream): void {
    this.#streams.delete(stream.id);
    stream.end();
  }

  /** @returns undefined when there is no such event or not all after it is kept; no stream: it is over */
  resume(lastEventId: string): { stream: SessionStream | undefined; missed: LoggedEvent[] } | undefined {
    const found = this.#events.after(lastEventId);
    return found && { stream: this.#streams.get(found.stream), missed: found.missed };
  }

  /** Lets go the events that are older than they may be. */
  expireEvents(): void {
    this.#events.expire();
  }

  onEnd(listener: () => void | Promise<void>): void {
    this.#endListeners.push(listener);
    // It came too late for the others' turn.
    if (this.#isTold) void this.tellEnd();
  }

  /** Ends what runs in it and its streams, at once. */
  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const caller of [...this.calls.values()]) caller.abort('its session ended');
    this.#requests.end();
    this.endStreams();
    this.standing = undefined;
  }

  /** After `cut`: tells those who asked to be told. Never rejects: answers what went wrong. */
  async tellEnd(): Promise<unknown[]> {
    this.#isTold = true;
    const told = await Promise.allSettled(this.#endListeners.splice(0).map(async (listener) => listener()));
    return told.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
  }

  endStreams(): void {
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
  }
}

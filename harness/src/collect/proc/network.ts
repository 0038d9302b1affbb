// /proc/net: bytes by interface, sockets by state.

export interface NetworkReading {
  /** Received: on loopback every byte sent is received once, so that sending is not counted again. */
  loopbackBytes: number;
  /** Received and sent on every other interface. */
  otherBytes: number;
}

export function parseInterfaces(text: string): NetworkReading {
  const reading: NetworkReading = { loopbackBytes: 0, otherBytes: 0 };
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const [received = 0, sent = 0] = [fields[0], fields[8]];
    if (line.slice(0, colon).trim() === 'lo') reading.loopbackBytes += received;
    else reading.otherBytes += received + sent;
  }
  return reading;
}

/** Sockets of this network namespace, from /proc/net/sockstat. */
export interface SocketSummary {
  tcpInUse: number;
  timeWait: number;
  orphans: number;
}

/** @throws when there is no TCP line */
export function parseSocketSummary(text: string): SocketSummary {
  const line = text.split('\n').find((each) => each.startsWith('TCP:'));
  if (line === undefined) throw new Error('/proc/net/sockstat has no line "TCP:"');
  const read = (name: string) => Number(new RegExp(` ${name} (\\d+)`).exec(line)?.[1] ?? 0);
  return { tcpInUse: read('inuse'), timeWait: read('tw'), orphans: read('orphan') };
}

/** TCP connections established (or waiting to be closed by us), from /proc/net/snmp. @throws when it does not say */
export function parseEstablished(text: string): number {
  const [names, values] = text.split('\n').filter((line) => line.startsWith('Tcp: '));
  const place = names?.split(' ').indexOf('CurrEstab') ?? -1;
  const value = place < 0 ? undefined : values?.split(' ')[place];
  if (value === undefined) throw new Error('/proc/net/snmp has no CurrEstab');
  return Number(value);
}

/** Numbers of include/net/tcp_states.h. */
const STATES = {
  '01': 'established',
  '02': 'syn_sent',
  '03': 'syn_received',
  '04': 'fin_wait_1',
  '05': 'fin_wait_2',
  '06': 'time_wait',
  '08': 'close_wait',
  '09': 'last_ack',
  '0A': 'listen',
  '0B': 'closing',
} as const;
export type SocketState = (typeof STATES)[keyof typeof STATES];
export const socketStates: readonly SocketState[] = Object.values(STATES);

/** Adds the sockets of one /proc/net/tcp or tcp6 to `counts`. */
export function countSocketStates(text: string, counts: Map<SocketState, number>): void {
  const lines = text.split('\n');
  for (const line of lines.slice(1)) {
    const code = line.trimStart().split(/\s+/, 4)[3];
    if (code === undefined || !(code in STATES)) continue;
    const state = STATES[code as keyof typeof STATES];
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
}

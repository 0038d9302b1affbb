// Which worker gets the next connection, and which one gives some away. Node's own round robin spreads connections at their birth only:
// long-lived ones stay where they are, also when most of the work is in a few of them, and a new worker gets none.

export interface Seat {
  id: number;
  /** Open connections, those on their way to it included. */
  connections: number;
  /** Requests per second, lately. */
  rate: number;
  /** Its event loop has not been heard of for a while. */
  isLate: boolean;
}

/** The one with the least to do, by connections and by requests; undefined when there is none. */
export function chooseSeat<S extends Seat>(seats: readonly S[]): S | undefined {
  const awake = seats.filter((seat) => !seat.isLate);
  const candidates = awake.length > 0 ? awake : seats;
  const meanRate = mean(candidates, (seat) => seat.rate);
  const meanConnections = mean(candidates, (seat) => seat.connections);
  let best: S | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const seat of candidates) {
    const score = share(seat.connections, meanConnections) + share(seat.rate, meanRate);
    if (score >= least) continue;
    least = score;
    best = seat;
  }
  return best;
}

/** Below this many requests per second in all nothing is moved: it would not be felt. */
const LEAST_RATE = 20;
/** Above the mean; identical workers differ by a few per cent from second to second. */
const TOLERANCE = 1.1;

/**
 * How many connections the busiest worker closes at their next answer; their clients come back, and land where there is less to
 * do. Half of the excess at a time: the rates of the last second are a noisy measure.
 */
export function connectionsToShed(seats: readonly Seat[]): { id: number; count: number } | undefined {
  const total = seats.reduce((sum, { rate }) => sum + rate, 0);
  if (seats.length < 2 || total < LEAST_RATE) return undefined;
  const meanRate = total / seats.length;
  const busiest = seats.reduce((most, seat) => (seat.rate > most.rate ? seat : most));
  if (busiest.connections < 2 || busiest.rate < meanRate * TOLERANCE) return undefined;
  const perConnection = busiest.rate / busiest.connections;
  const excess = (busiest.rate - meanRate) / perConnection;
  // Less than one connection too many: moving one would only swap the parts.
  if (excess < 0.75) return undefined;
  return { id: busiest.id, count: Math.max(1, Math.floor(excess / 2)) };
}

function mean(seats: readonly Seat[], read: (seat: Seat) => number): number {
  return seats.reduce((sum, seat) => sum + read(seat), 0) / Math.max(1, seats.length);
}

function share(value: number, meanValue: number): number {
  return meanValue === 0 ? 0 : value / meanValue;
}

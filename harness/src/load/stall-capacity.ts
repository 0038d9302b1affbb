// How many virtual users (k6) or connections (autocannon) an open loop may need.

/** A stall of this length drops nothing: 2 s, the length that the calibration tests, and a quarter more. */
export const LONGEST_STALL_SECONDS = 2.5;

/**
 * rate × the longest stall: while the target stands still, every request that falls due needs a sender of its own. Not
 * more than there are requests. k6 never queues, so what this does not cover is dropped there, and counted as failed.
 */
export function stallCapacity(ratePerSecond: number, due: number): number {
  return Math.max(1, Math.min(due, Math.max(4, Math.ceil(ratePerSecond * LONGEST_STALL_SECONDS))));
}

import { expect, it } from 'vitest';
import { chooseSeat, connectionsToShed, type Seat } from '../../src/cluster/balance.ts';

const seat = (id: number, connections: number, rate = 0, isLate = false): Seat => ({ id, connections, rate, isLate });

it('gives a connection to the worker with the fewest, while there are no requests', () => {
  expect(chooseSeat([seat(1, 3), seat(2, 1), seat(3, 2)])?.id).toBe(2);
});

it('gives a connection to the worker with the fewest requests, when they have as many connections', () => {
  expect(chooseSeat([seat(1, 4, 900), seat(2, 4, 100)])?.id).toBe(2);
});

it('passes over a worker whose event loop stands still, unless it is the only one', () => {
  expect(chooseSeat([seat(1, 0, 0, true), seat(2, 50)])?.id).toBe(2);
  expect(chooseSeat([seat(1, 0, 0, true)])?.id).toBe(1);
  expect(chooseSeat([])).toBeUndefined();
});

it('moves connections from a busy worker to one that is new', () => {
  expect(connectionsToShed([seat(1, 32, 3000), seat(2, 0, 0)])).toEqual({ id: 1, count: 8 });
});

it('moves nothing between workers that are even, or when the last connection too many would only change places', () => {
  expect(connectionsToShed([seat(1, 16, 1030), seat(2, 16, 970)])).toBeUndefined();
  expect(connectionsToShed([seat(1, 2, 400), seat(2, 1, 200)])).toBeUndefined();
});

it('moves nothing when there is little to do, or nobody to move it to', () => {
  expect(connectionsToShed([seat(1, 16, 10), seat(2, 0, 0)])).toBeUndefined();
  expect(connectionsToShed([seat(1, 16, 1000)])).toBeUndefined();
});

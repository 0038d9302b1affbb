// Student's t: its tails decide how far a mean of a few rounds can be trusted.
import { incompleteBeta } from './beta.ts';

/** P(|T| ≥ |t|). */
export function twoSidedP(t: number, degreesOfFreedom: number): number {
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5);
}

/** t with P(|T| ≥ t) = alpha: bisection, since the tail is monotone; exact to 1e-10 relative. */
export function twoSidedQuantile(alpha: number, degreesOfFreedom: number): number {
  let low = 0;
  let high = 2;
  while (twoSidedP(high, degreesOfFreedom) > alpha) high *= 2;
  for (let step = 0; step < 60 && high - low > 1e-10 * high; step++) {
    const middle = (low + high) / 2;
    if (twoSidedP(middle, degreesOfFreedom) > alpha) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** t with P(T ≤ t) = probability, for a probability of at least one half. */
export function oneSidedQuantile(probability: number, degreesOfFreedom: number): number {
  return twoSidedQuantile(2 * (1 - probability), degreesOfFreedom);
}

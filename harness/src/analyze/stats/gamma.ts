// The gamma family: what the distributions in this folder are made of.

/** Lanczos coefficients for g = 7, n = 9 (P. Godfrey): relative error below 1e-13 for positive arguments. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const base = x - 1 + 7.5;
  const sum = lanczos.reduce(
    (total, coefficient, index) => total + (index === 0 ? coefficient : coefficient / (x - 1 + index)),
    0,
  );
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}

/** ψ(x), the derivative of ln Γ, for x > 0: recurrence up to 8, then the asymptotic series (Abramowitz & Stegun 6.3.18). */
export function digamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 8; at++) shift -= 1 / at;
  const inverse = 1 / (at * at);
  return shift + Math.log(at) - 0.5 / at - inverse * (1 / 12 - inverse * (1 / 120 - inverse / 252));
}

/** ψ′(x) for x > 0 (Abramowitz & Stegun 6.4.12). */
export function trigamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 8; at++) shift += 1 / (at * at);
  const inverse = 1 / (at * at);
  return shift + 1 / at + inverse / 2 + (inverse / at) * (1 / 6 - inverse * (1 / 30 - inverse / 42));
}

/** x with ψ′(x) = y: bisection on the decreasing ψ′; y > 0. */
export function inverseTrigamma(y: number): number {
  let low = 1e-6;
  let high = 1e7;
  for (let step = 0; step < 100; step++) {
    const middle = Math.sqrt(low * high);
    if (trigamma(middle) > y) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

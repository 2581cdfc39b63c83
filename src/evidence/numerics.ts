/** Logarithms and sums that stay exact to about 1e-13 for counts from none to 10^9. */

/** log(Σ exp(terms)) without overflow; −Infinity for no term. */
export function logSumExp(terms: readonly number[]): number {
  const largest = terms.reduce((a, b) => Math.max(a, b), -Infinity);
  if (largest === -Infinity) return -Infinity;
  return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
}

/** The logarithm of the average of exp(terms). */
export const logMeanExp = (terms: readonly number[]): number => logSumExp(terms) - Math.log(terms.length);

/** `count` points from `from` to `to`, equally far apart in their logarithm. */
export function logSpaced(from: number, to: number, count: number): readonly number[] {
  const step = Math.log(to / from) / (count - 1);
  return Array.from({ length: count }, (_, index) => from * Math.exp(step * index));
}

/** x · ln(y), with 0 · ln(0) = 0: an outcome that cannot happen and did not says nothing. */
export const xlogy = (x: number, y: number): number => (x === 0 ? 0 : x * Math.log(y));

/** The coefficients of ln Γ(2 + z) / z beyond the first: (−1)^k (ζ(k) − 1) / k, from k = 2. */
const zetaTerms: readonly number[] = Array.from({ length: 29 }, (_, index) => {
  const k = index + 2;
  return ((k % 2 === 0 ? 1 : -1) * zetaMinusOne(k)) / k;
});
const oneMinusEulerGamma = 0.42278433509846713;

/** ζ(k) − 1 by Euler and Maclaurin's formula behind the twentieth term (https://dlmf.nist.gov/25.2.E8). */
function zetaMinusOne(k: number): number {
  const n = 20;
  let sum = 0;
  for (let i = n - 1; i >= 2; i--) sum += i ** -k;
  const tail = n ** (1 - k) / (k - 1) + n ** -k / 2;
  const corrections = [1 / 12, -1 / 720, 1 / 30_240, -1 / 1_209_600, 1 / 47_900_160];
  let rising = k;
  let power = n ** (-k - 1);
  let correction = 0;
  for (const [j, coefficient] of corrections.entries()) {
    correction += coefficient * rising * power;
    rising *= (k + 2 * j + 1) * (k + 2 * j + 2);
    power /= n * n;
  }
  return sum + tail + correction;
}

/** ln Γ(x) − ((x − ½) ln x − x + ½ ln 2π) for x ≥ 10: Stirling's series (https://dlmf.nist.gov/5.11.E1). */
function stirlingRest(x: number): number {
  const s = 1 / (x * x);
  return (
    (1 / 12 -
      s * (1 / 360 - s * (1 / 1_260 - s * (1 / 1_680 - s * (1 / 1_188 - s * (691 / 360_360 - s * (1 / 156))))))) /
    x
  );
}

const halfLogTwoPi = 0.9189385332046727;

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x >= 10) return (x - 0.5) * Math.log(x) - x + halfLogTwoPi + stirlingRest(x);
  if (x < 0.5) return logGamma(x + 1) - Math.log(x);
  if (x < 1.5) return aroundTwo(x - 1) - Math.log1p(x - 1);
  let product = 1;
  let rest = x;
  while (rest > 2.5) product *= --rest;
  return Math.log(product) + aroundTwo(rest - 2);
}

/** ln Γ(2 + z) for |z| ≤ ½, exact near its zero at z = 0. */
function aroundTwo(z: number): number {
  let sum = 0;
  for (let index = zetaTerms.length - 1; index >= 0; index--) sum = (sum + (zetaTerms[index] ?? 0)) * z;
  return z * (oneMinusEulerGamma + sum);
}

/**
 * ln Γ(a + n) − ln Γ(a), the logarithm of a (a+1) … (a+n−1), for n ≥ 0.
 * The difference of two ln Γ would lose nine digits at 10^9.
 */
export function logRising(a: number, n: number): number {
  if (n === 0) return 0;
  if (Number.isInteger(n) && n <= 16) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.log(a + i);
    return sum;
  }
  if (a < 10) return logGamma(a + n) - logGamma(a);
  return (a - 0.5) * Math.log1p(n / a) + n * (Math.log(a + n) - 1) + stirlingRest(a + n) - stirlingRest(a);
}

/** ln B(a, b) for a, b > 0. */
export function logBeta(a: number, b: number): number {
  const [small, large] = a < b ? [a, b] : [b, a];
  if (large < 10) return logGamma(small) + logGamma(large) - logGamma(a + b);
  if (small < 10) return logGamma(small) - logRising(large, small);
  const rest = stirlingRest(small) + stirlingRest(large) - stirlingRest(a + b);
  return (
    halfLogTwoPi -
    0.5 * Math.log(large) +
    (small - 0.5) * Math.log(small / (a + b)) +
    large * Math.log1p(-small / (a + b)) +
    rest
  );
}

/** ln of the number of ways to choose k of n. */
export const logChoose = (n: number, k: number): number =>
  k === 0 || k === n ? 0 : -Math.log(n + 1) - logBeta(k + 1, n - k + 1);

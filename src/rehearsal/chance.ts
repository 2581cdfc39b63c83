import { logGamma } from "../evidence/numerics.ts";

/** A stream of numbers in [0, 1). The same seed gives the same stream everywhere: nothing here is truly random. */
export type Chance = () => number;

/** xoshiro128** (https://prng.di.unimi.it), its state filled by splitmix32 from a whole number. */
export const chance = (seed: number): Chance => {
  const next = xoshiro([1, 2, 3, 4].map((index) => splitmix(seed, index)));
  return () => next() / 4_294_967_296;
};

/** Whole numbers below 2^32. */
export function xoshiro(state: readonly number[]): () => number {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

function splitmix(seed: number, index: number): number {
  let z = (seed + Math.imul(index, 0x9e3779b9)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

/** How many of events that come at random happen, when `mean` are expected. */
export function poisson(mean: number, next: Chance): number {
  if (mean <= 0) return 0;
  return mean < 10 ? poissonByInversion(mean, next) : poissonByRejection(mean, next);
}

function poissonByInversion(mean: number, next: Chance): number {
  let left = next();
  let term = Math.exp(-mean);
  let k = 0;
  while (left > term && k < 200) {
    left -= term;
    k += 1;
    term *= mean / k;
  }
  return k;
}

/** Hörmann's transformed rejection (PTRS, https://doi.org/10.1016/0167-6687(93)90997-4). */
function poissonByRejection(mean: number, next: Chance): number {
  const spread = 0.931 + 2.53 * Math.sqrt(mean);
  const tilt = -0.059 + 0.02483 * spread;
  const inverse = 1.1239 + 1.1328 / (spread - 3.4);
  const sure = 0.9277 - 3.6224 / (spread - 2);
  for (;;) {
    const u = next() - 0.5;
    const v = next();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * tilt) / us + spread) * u + mean + 0.43);
    if (us >= 0.07 && v <= sure) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (Math.log((v * inverse) / (tilt / (us * us) + spread)) <= k * Math.log(mean) - mean - logGamma(k + 1)) return k;
  }
}

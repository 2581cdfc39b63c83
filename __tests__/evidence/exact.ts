/**
 * Numbers with 256 binary digits: the oracle for src/evidence. Plain products and powers as the definitions have them,
 * without logarithms of sums, gamma functions or any other trick that the code under test could share.
 */
export type Real = { readonly m: bigint; readonly e: number };

const bits = 256;

function normal(m: bigint, e: number): Real {
  if (m === 0n) return { m, e: 0 };
  const excess = (m < 0n ? -m : m).toString(2).length - bits;
  return excess > 0 ? { m: m >> BigInt(excess), e: e + excess } : { m: m << BigInt(-excess), e: e + excess };
}

/** The number itself, and not a decimal text of it: every double is a whole number times a power of two. */
export function real(value: number): Real {
  let e = 0;
  let whole = value;
  while (!Number.isInteger(whole)) [whole, e] = [whole * 2, e - 1];
  return normal(BigInt(whole), e);
}

export const mul = (a: Real, b: Real): Real => normal(a.m * b.m, a.e + b.e);
export const div = (a: Real, b: Real): Real => normal((a.m << BigInt(bits)) / b.m, a.e - b.e - bits);
export const neg = (a: Real): Real => ({ m: -a.m, e: a.e });
export const quotient = (a: number, b: number): Real => div(real(a), real(b));

export function add(a: Real, b: Real): Real {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const [high, low] = a.e >= b.e ? [a, b] : [b, a];
  if (high.e - low.e > 2 * bits) return high;
  return normal((high.m << BigInt(high.e - low.e)) + low.m, low.e);
}

export const sub = (a: Real, b: Real): Real => add(a, neg(b));
export const sum = (terms: readonly Real[]): Real => terms.reduce(add, real(0));

/** a to the power of a whole number. */
export function pow(a: Real, n: number): Real {
  let [result, square, left] = [real(1), a, Math.abs(n)];
  for (; left > 0; left = Math.floor(left / 2), square = mul(square, square))
    if (left % 2 === 1) result = mul(result, square);
  return n < 0 ? div(real(1), result) : result;
}

/** a (a+1) … (a+n−1). */
export function rising(a: Real, n: number): Real {
  let [result, factor] = [real(1), a];
  for (let i = 0; i < n; i++) [result, factor] = [mul(result, factor), add(factor, real(1))];
  return result;
}

/** Σ z^(2i+1) / (2i+1), for |z| ≤ 1/3. */
function atanh(z: Real): Real {
  const square = mul(z, z);
  let [result, power] = [z, z];
  for (let i = 3; i < 180; i += 2) {
    power = mul(power, square);
    result = add(result, div(power, real(i)));
  }
  return result;
}

const ln2 = mul(real(2), atanh(quotient(1, 3)));

export function ln(a: Real): Real {
  const f: Real = { m: a.m, e: 1 - bits }; // 1 ≤ f < 2
  const fraction = mul(real(2), atanh(div(sub(f, real(1)), add(f, real(1)))));
  return add(mul(real(a.e + bits - 1), ln2), fraction);
}

export function exp(a: Real): Real {
  const k = Math.round(toNumber(div(a, ln2)));
  const small = sub(a, mul(real(k), ln2));
  const reduced = mul(small, pow(real(2), -16));
  let [result, term] = [real(1), real(1)];
  for (let i = 1; i < 20; i++) {
    term = div(mul(term, reduced), real(i));
    result = add(result, term);
  }
  for (let i = 0; i < 16; i++) result = mul(result, result);
  return { m: result.m, e: result.e + k };
}

export function toNumber({ m, e }: Real): number {
  if (m === 0n) return 0;
  const shifted = Number(m >> BigInt(bits - 64));
  return shifted * 2 ** (e + bits - 64);
}

/** `count` points from `from` to `to`, equally far apart in their logarithm. */
export function spaced(from: Real, to: Real, count: number): readonly Real[] {
  const step = div(ln(div(to, from)), real(count - 1));
  return Array.from({ length: count }, (_, index) => mul(from, exp(mul(step, real(index)))));
}

export const average = (values: readonly Real[]): Real => div(sum(values), real(values.length));

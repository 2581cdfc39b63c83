/** Chance that is not: everything by chance in a simulation is drawn from its seed. */
export interface Chance {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from 0 up to, but not including, `below`. */
  whole(below: number): number;
  between(least: number, most: number): number;
  happens(probability: number): boolean;
  pick<const T>(from: readonly [T, ...T[]]): T;
  /** Another stream of the same seed: what is drawn from one moves no other. */
  stream(name: string): Chance;
}

export function chanceOf(seed: string): Chance {
  const next = sfc32(seed);
  const whole = (below: number): number => Math.floor(next() * below);
  return {
    next,
    whole,
    between: (least, most) => least + next() * (most - least),
    happens: (probability) => next() < probability,
    pick: (from) => from[whole(from.length)] ?? from[0],
    stream: (name) => chanceOf(`${seed}/${name}`),
  };
}

/** Chris Doty-Humphrey's small fast counter, from PractRand. */
function sfc32(seed: string): () => number {
  let [a, b, c, counter] = [hash(seed, 1), hash(seed, 2), hash(seed, 3), 1];
  const draw = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round++) draw();
  return draw;
}

/** FNV-1a with MurmurHash's finish. */
function hash(text: string, salt: number): number {
  let value = 0x811c9dc5 ^ salt;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

import type { Millis } from "../src/lib/duration.ts";

/** How an image behaves, by the words in its tag: `v2-err60-slow400`. One that has none of them is good. */
export type ImageBehaviour = {
  /** The share of its answers that is a failure. */
  readonly errors: number;
  /** How long an answer takes. */
  readonly latency: Millis;
  /** It can be pulled, and becomes ready. */
  readonly starts: boolean;
  /** All its containers end so long after they were ready, and never stay up again. */
  readonly diesAfter: Millis | undefined;
};

const known = new Map<string, ImageBehaviour>();

export function behaviourOf(image: string): ImageBehaviour {
  const behaviour = known.get(image) ?? read(image);
  known.set(image, behaviour);
  return behaviour;
}

function read(image: string): ImageBehaviour {
  const number = (word: string): number | undefined => {
    const found = new RegExp(`-${word}(\\d+)`).exec(image)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const dies = number("die");
  return {
    errors: (number("err") ?? 0) / 100,
    latency: number("slow") ?? 20,
    starts: !image.includes("-stuck"),
    diesAfter: dies === undefined ? undefined : dies * 1_000,
  };
}

/** It answers, and rightly. */
export const isOnlySlow = (image: string): boolean => /-slow\d/.test(image) && !/-(err|stuck|die)\d*/.test(image);

export const isBad = (image: string): boolean => /-(err|slow|stuck|die)\d*/.test(image);

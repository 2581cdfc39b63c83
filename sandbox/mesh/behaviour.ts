import type { Millis } from "../../src/lib/duration.ts";

/** What a container does, read from its image's tag: `v2`, `v2-err20`, `v2-slow300`, `v2-notready`, and any mix of them. */
export type Behaviour = {
  /** The tag up to its first dash. */
  readonly version: string;
  /** Percent of answers that are 500. */
  readonly errors: number;
  readonly slow: Millis;
  /** `/healthz` answers 503. */
  readonly notReady: boolean;
};

export function behaviourOf(image: string): Behaviour {
  const tag =
    image
      .slice(image.lastIndexOf("/") + 1)
      .split("@")[0]
      ?.split(":")[1] ?? "latest";
  const numberAfter = (word: string): number => Number(new RegExp(`-${word}(\\d+)`).exec(tag)?.[1] ?? 0);
  return {
    version: tag.split("-")[0] ?? tag,
    errors: numberAfter("err"),
    slow: numberAfter("slow"),
    notReady: /-notready(-|$)/.test(tag),
  };
}

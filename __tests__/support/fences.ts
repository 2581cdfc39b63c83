import { TakenOverError } from "../../src/lib/errors.ts";
import type { Fence } from "../../src/ports/fence.ts";

/** Of a release that nobody else can have. */
export const noFence: Fence = { forward: async () => {}, back: async () => {} };

/** Of a release that another job takes over just when the fence has been passed so many times: `taking` is what it does. */
export function fencePassed(times: number, taking: () => Promise<void> = async () => {}): Fence {
  let left = times;
  const pass = async (): Promise<void> => {
    if (left === 0) throw new TakenOverError("another job has the release");
    if (--left === 0) await taking();
  };
  return { forward: pass, back: pass };
}

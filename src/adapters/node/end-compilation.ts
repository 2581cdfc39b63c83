import { setFlagsFromString } from "node:v8";
import type { Millis } from "../../lib/duration.ts";
import type { Clock } from "../../world/clock.ts";

const compilers = ["--no-maglev", "--no-turbofan", "--no-concurrent-sparkplug"] as const;

/** Far longer than one function takes. */
const lastCompilations: Millis = 50;

/**
 * Lets nothing be compiled in the background any more, and what is under way end. A compilation that needs the garbage
 * collector while the process ends waits for it for ever, and the process for the compilation:
 * https://github.com/nodejs/node/issues/54918
 */
export function endCompilation(clock: Clock): Promise<void> {
  for (const compiler of compilers) setFlagsFromString(compiler);
  return clock.sleepUntil(clock.now() + lastCompilations);
}

import type { Millis } from "../src/lib/duration.ts";
import type { ProgramEnd, Programs } from "../src/world/programs.ts";
import { behaviourOf } from "./image.ts";
import type { SimulatedMesh } from "./mesh.ts";
import type { SimulatedProcess } from "./process.ts";

/** It asks a few times. */
const takes: Millis = 800;

/** So many of its requests may fail. */
const mostErrors = 0.1;

/** The program of the stage before all weights: it sends what testers send, and bears whatever a drill does to it. */
export const smokeTests =
  (mesh: SimulatedMesh) =>
  ({ clock }: SimulatedProcess): Programs => ({
    start() {
      const stopped = new AbortController();
      const ended = clock.sleepUntil(clock.now() + takes, stopped.signal).then((): ProgramEnd => {
        const how = stopped.signal.aborted
          ? ({ kind: "signal", signal: "SIGTERM" } as const)
          : ({ kind: "exit", code: errorsOf(mesh) > mostErrors ? 1 : 0 } as const);
        return { how, stdout: "", output: "" };
      });
      return { ended, stop: () => stopped.abort("stopped") };
    },
  });

function errorsOf(mesh: SimulatedMesh): number {
  let [sent, failed] = [0, 0];
  for (const { deployment, image, share, injected } of mesh.ofTesters()) {
    sent += share;
    if (injected?.flag !== "FI") failed += share * (deployment === undefined ? 1 : behaviourOf(image).errors);
  }
  return sent === 0 ? 1 : failed / sent;
}

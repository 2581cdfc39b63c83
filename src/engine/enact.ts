import type { Ports } from "../ports/ports.ts";
import type { Decision } from "../release/decision.ts";

/** Does what was decided; everything that had to be chosen was chosen before. Rejects when the world did not do it. */
export async function enact(decision: Decision, ports: Ports, signal: AbortSignal): Promise<void> {
  switch (decision.do) {
    case "wait":
      return ports.clock.sleepUntil(decision.until, signal);
    case "nothing":
      return;
    case "deploy":
      await ports.workload.deploy();
      return ports.router.prepare();
    case "scale":
      return ports.workload.scale(decision.to);
    case "route":
      return ports.router.write(decision.to);
    case "update-stable":
      return ports.workload.updateStable();
    case "finish":
      return ports.router.finish(decision.winner);
    case "retire":
      await ports.workload.retire(decision.loser);
      return ports.router.cleanUp(decision.loser === "canary" ? "stable" : "canary");
    case "restore":
      await ports.workload.restore();
      return ports.router.cleanUp("stable");
  }
}

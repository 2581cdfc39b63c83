import type { Ports } from "../ports/ports.ts";
import type { Decision } from "../release/decision.ts";
import type { ReleaseRecord } from "../release/release-record.ts";

/** Does what was decided; everything that had to be chosen was chosen before. Rejects when the world did not do it. */
export async function enact(
  decision: Decision,
  { judged }: ReleaseRecord,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  switch (decision.do) {
    case "wait":
      return ports.clock.sleepUntil(decision.until, signal);
    case "nothing":
      return;
    case "deploy":
      await ports.workload.deploy(judged);
      return ports.router.prepare();
    case "scale":
      return ports.workload.scale(decision.to);
    case "route":
      return ports.router.write(decision.to);
    case "update-stable":
      return ports.workload.updateStable(judged);
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

import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import type { Session } from "./session.ts";

/**
 * The target with the roles as they are now: after a swap the Deployment that is called canary is the one that serves,
 * and the next release goes the other way round. An update ends as it began, so that the configuration is right.
 */
export async function orient(
  { soleServer }: Pick<Session, "soleServer">,
  target: Target,
  { promotion }: Plan,
): Promise<Target> {
  if (promotion === "update" || (await soleServer(target)) !== "canary") return target;
  return { ...target, stable: target.canary, canary: target.stable };
}

import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import type { Session } from "./session.ts";

/** The target with the roles as they are now, and whether they are those of the configuration. */
export type Orientation = { readonly target: Target; readonly exchanged: boolean };

/**
 * After a swap the Deployment that is called canary is the one that serves, and the next release goes the other way
 * round. An update ends as it began, so that the configuration is right.
 */
export async function orient(
  { soleServer }: Pick<Session, "soleServer">,
  target: Target,
  { promotion }: Plan,
): Promise<Orientation> {
  if (promotion === "update" || (await soleServer(target)) !== "canary") return { target, exchanged: false };
  return { target: { ...target, stable: target.canary, canary: target.stable }, exchanged: true };
}

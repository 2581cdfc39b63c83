import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { required } from "./preconditions.ts";
import type { Session } from "./session.ts";

/** What a release is about as things stand. */
export type Orientation = {
  /** With the roles as they are now. */
  readonly target: Target;
  /** Those are not the configuration's. */
  readonly exchanged: boolean;
  readonly plan: Plan;
};

/**
 * `plan` and `release` ask here, so that they speak of the same. After a swap the Deployment that is called canary is
 * the one that serves, and the next release goes the other way round. An update ends as it began, so that the
 * configuration is right.
 */
export async function orient({ config, soleServer }: Pick<Session, "config" | "soleServer">): Promise<Orientation> {
  const { target, plan: configured } = required(config);
  const plan = config.firstDeploy ? straight(configured) : configured;
  // Where nobody serves yet no release has made anybody stable, whatever a route was written with.
  const keepsRoles = config.firstDeploy || configured.promotion === "update";
  if (keepsRoles || (await soleServer(target)) !== "canary") return { target, plan, exchanged: false };
  return { target: { ...target, stable: target.canary, canary: target.stable }, plan, exchanged: true };
}

/** A service without a stable version has nothing to compare with and nobody to harm: all traffic at once. */
const straight = (plan: Plan): Plan => ({ ...plan, stages: [], promotion: "swap", keepOld: true, drain: 0 });

import type { Plan } from "../release/plan.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { State } from "../release/state.ts";
import { otherRole } from "../release/target.ts";
import { nextCommand } from "./next-command.ts";

export type Failed = Extract<State, { readonly phase: "failed" }>;

/** What ends a release that failed while it did this, once it can work again. */
export const commandAfter = { promoting: "promote", "rolling-back": "rollback" } as const;

/** What has to be put right, by what stands in the way. */
function whatToDo(state: Failed, { target: { stable, canary }, plan }: Pick<ReleaseRecord, "target" | "plan">): string {
  const { reason, during } = state;
  switch (reason.kind) {
    case "stranded": {
      const [old, serving] = [reason.version, otherRole(reason.version)].map(
        (role) => (role === "stable" ? stable : canary).deployment,
      );
      return `${serving} serves what the release moved, so there is no hurry. Change what is named above so that it finds the pods of ${serving}, too, or remove it; until then ${old} keeps its pods.`;
    }
    case "kept":
      return `${usersOfKept(state, plan)} Find out who writes that route (somebody, a GitOps sync), and put that right.`;
    case "stable-away":
      return `Find out what keeps the pods of ${stable.deployment} from running, or requests from them, and put that right.`;
    case "unserved":
      return "Put right what is missing: the Service, its subset in a DestinationRule, or the pods behind it.";
    default:
      return during === "promoting"
        ? "Find out what holds the promotion up, and put that right."
        : "Find out what holds the way back up, and put that right.";
  }
}

/** What it means for users that somebody else's route sends requests to a version whose pods were to go. */
export function usersOfKept({ during }: Failed, { promotion }: Plan): string {
  if (during === "rolling-back") return "Those users still get the version that was given up.";
  if (promotion === "swap") return "Those users still get the version before.";
  return "Nobody is hurt: both Deployments run the new version.";
}

/** What somebody has to do about a release that could neither be finished nor given back, on a terminal. */
export const failedLines = (
  state: Failed,
  { target, asked, plan }: Pick<ReleaseRecord, "target" | "asked" | "plan">,
): readonly string[] => [
  `To do by hand: ${whatToDo(state, { target, plan })}`,
  `Then, to finish: ${nextCommand(finishing(state), { target, asked })}`,
];

const finishing = ({ during, reason }: Failed): "promote" | "rollback" =>
  reason.kind === "stable-away" ? "rollback" : commandAfter[during];

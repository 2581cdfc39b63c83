import type { ReleaseRecord } from "../release/release-record.ts";
import type { State } from "../release/state.ts";
import { otherRole, type Target } from "../release/target.ts";
import { nextCommand } from "./next-command.ts";

type Failed = Extract<State, { readonly phase: "failed" }>;

/** What ends a release that failed while it did this, once it can work again. */
export const commandAfter = { promoting: "promote", "rolling-back": "rollback" } as const;

/** What has to be put right, by what stands in the way. */
function whatToDo({ reason, during }: Failed, { stable, canary }: Target): string {
  switch (reason.kind) {
    case "stranded": {
      const [old, serving] = [reason.version, otherRole(reason.version)].map(
        (role) => (role === "stable" ? stable : canary).deployment,
      );
      return `${serving} serves what the release moved, so there is no hurry. Change what is named above so that it finds the pods of ${serving}, too, or remove it; until then ${old} keeps its pods.`;
    }
    case "kept":
      return "Find out who writes that route (somebody, a GitOps sync), and put that right.";
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

/** What somebody has to do about a release that could neither be finished nor given back, on a terminal. */
export const failedLines = (
  state: Failed,
  { target, asked }: Pick<ReleaseRecord, "target" | "asked">,
): readonly string[] => [
  `To do by hand: ${whatToDo(state, target)}`,
  `Then, to finish: ${nextCommand(finishing(state), { target, asked })}`,
];

const finishing = ({ during, reason }: Failed): "promote" | "rollback" =>
  reason.kind === "stable-away" ? "rollback" : commandAfter[during];

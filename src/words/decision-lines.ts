import { holdEnds } from "../release/hold.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import { isUndoable } from "../release/undoing.ts";
import { failedLines } from "./failed-lines.ts";
import { keptInWords } from "./kept-in-words.ts";
import { nextCommand } from "./next-command.ts";
import { dateOf } from "./timestamp.ts";

type Decidable = Pick<ReleaseRecord, "target" | "asked" | "plan" | "state" | "stages" | "undoes">;

/** What somebody can do with a release that waits, has succeeded, or got stuck, on a terminal. Nothing where it goes on. */
export function decisionLines(release: Decidable): readonly string[] {
  const { state } = release;
  if (isUndoable(release)) {
    const back = `To go back to the version before: ${nextCommand("undo", release)}`;
    return [keptInWords(release), back].flatMap((line) => line ?? []);
  }
  if (state.phase === "failed") return failedLines(state, release);
  if (state.phase !== "waiting") return [];
  const commands = [`To go on: ${nextCommand("promote", release)}`, `To give up: ${nextCommand("rollback", release)}`];
  if (!heldBy(state)) return commands;
  const weight = plannedWeight(release);
  const what = weight === 0 ? "canary" : `${weight}% that the canary has`;
  return [`Nobody watches the ${what} until somebody decides.`, ...commands, ...holdLines(release)];
}

/** Somebody has to run it: no process of ours is there any more. */
function holdLines({ plan, state }: Decidable): readonly string[] {
  const end = holdEnds(plan, state);
  return end === undefined
    ? []
    : [`From ${dateOf(end)} on the next \`settle\`, such as a scheduled one, rolls it back.`];
}

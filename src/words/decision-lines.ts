import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import { nextCommand } from "./next-command.ts";

/** What somebody can do with a release that waits, on a terminal. Nothing where it does not. */
export function decisionLines(
  release: Pick<ReleaseRecord, "target" | "asked" | "plan" | "state" | "stages">,
): readonly string[] {
  const { state } = release;
  if (state.phase !== "waiting") return [];
  const commands = [`To go on: ${nextCommand("promote", release)}`, `To give up: ${nextCommand("rollback", release)}`];
  if (!heldBy(state)) return commands;
  const weight = plannedWeight(release);
  return [`Nobody watches the ${weight} % that the canary has until somebody decides.`, ...commands];
}

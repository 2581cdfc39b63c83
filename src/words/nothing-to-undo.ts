import { knownImage } from "../release/known-image.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { nextCommand } from "./next-command.ts";

/** Why there is nothing to undo, and what would do what was probably meant. */
export function nothingToUndo(last: ReleaseRecord | undefined): { readonly what: string; readonly next?: string } {
  if (!last) return { what: "No release was ever begun here." };
  const { target, state, undoes } = last;
  const version = knownImage(last) ?? target.canary.deployment;
  switch (state.phase) {
    case "succeeded":
      if (undoes)
        return {
          what: `The last release is undone already: ${version} serves.`,
          next: "To go forward again, release the version that shall serve.",
        };
      return { what: `The release of ${version} was the first: there is no version before it.` };
    case "rolled-back":
      return {
        what: `The last release, of ${version}, was rolled back: the version before it, ${target.stable.deployment}, serves already.`,
        next: "To go back further, release the version that shall serve.",
      };
    default:
      return {
        what: `The release of ${version} is not over (${state.phase}).`,
        next: `This gives the traffic back, or finishes what it has promoted: ${nextCommand("rollback", last)}`,
      };
  }
}

import { formatDuration } from "../../../src/lib/duration.ts";
import { plain } from "../../../src/lib/markdown.ts";
import { count } from "../../../src/lib/numbers.ts";
import type { Fault } from "./fault.ts";
import { type Played, playFault } from "./play-fault.ts";

export const outcomes = ["rolled back", "held", "not judged"] as const;
type Outcome = (typeof outcomes)[number] | "MISSED";

/** A fault with what became of it, as a line of docs/faults.md: the same at each time, since all chance is drawn by its name. */
export async function faultRow(fault: Fault): Promise<string> {
  const played = await playFault(fault);
  const without = await playFault(fault, true);
  const outcome = outcomeOf(fault, played);
  const told = outcome === "not judged" ? (fault.notJudged ?? "") : plain(played.sentence);
  const took =
    played.took === undefined ? "before any request" : formatDuration(1_000 * Math.round(played.took / 1_000));
  const alarm = without.phase === "succeeded" ? "" : plain(`${without.phase}: ${without.sentence}`);
  return `| ${fault.name} | ${outcome} | ${took} | ${count(played.bad)} | ${told} | ${alarm} |`;
}

function outcomeOf({ notJudged }: Fault, { phase }: Played): Outcome {
  if (phase === "rolled-back") return "rolled back";
  if (phase === "waiting") return "held";
  return phase === "succeeded" && notJudged !== undefined ? "not judged" : "MISSED";
}

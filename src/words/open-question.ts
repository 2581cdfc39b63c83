import type { Account } from "../release/account.ts";

/**
 * What left the stage open that is held: too little is proven, nothing was counted, the canary gets less traffic than
 * planned, or the budget bounds the next weight though every gate passes.
 */
export type OpenQuestion = "undecided" | "no-data" | "split" | "budget";

export function openQuestion({ stages }: Account): OpenQuestion {
  const open = stages.at(-1)?.verdicts.find(({ kind, policy }) => kind !== "pass" && policy !== "promote");
  if (!open) return "budget";
  if (open.kind === "no-data") return "no-data";
  return open.by === "split" ? "split" : "undecided";
}

import type { PlannedShare } from "../release/reason.ts";

/** The canary's share, where it is called by what it is. */
export function weightInWords({ weight, mirror }: PlannedShare): string {
  if (mirror !== undefined) return `copies of ${mirror}%`;
  return weight === 0 ? "testers alone" : `${weight}%`;
}

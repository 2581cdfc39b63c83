import type { Obstacle } from "../kubernetes/obstacle.ts";
import { type Finding, refuse } from "../ports/preflight.ts";

export const refusal = ({ problem, next }: Obstacle): Finding => refuse(`${problem}.`, next);

/** The names that are there, for those who have to find the one they meant. */
export function listed(names: readonly string[], most = 10): string {
  const shown = names.toSorted().slice(0, most).join(", ") || "none";
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

export const pods = (count: number): string => (count === 1 ? "1 pod" : `${count} pods`);

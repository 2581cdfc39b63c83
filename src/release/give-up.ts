import { someOf } from "../lib/some-of.ts";
import type { Decision } from "./decision.ts";
import type { Observation, Stranded } from "./observation.ts";
import type { Plan } from "./plan.ts";
import type { Reason } from "./reason.ts";
import type { Promoting, RollingBack } from "./state.ts";
import type { Role } from "./target.ts";
import { winnerOf } from "./transition.ts";

/** An effect that fails is tried again for as long as there is hope; then what is left undone is said. */
export function giveUp(plan: Plan, state: Promoting | RollingBack, observation: Observation): Decision | undefined {
  const { trouble, now, insisted } = observation;
  if (!trouble) return undefined;
  const { words, lasting, since } = trouble;
  const lasted = now - since;
  if (!insisted && lasted < (lasting ? plan.patience : 5 * plan.patience)) return undefined;
  return failed(plan, state, { kind: "trouble", words, lasting, lasted });
}

/** Whoever would be left without pods keeps them, and is told of. */
export function keepForStranded(
  plan: Plan,
  state: Promoting | RollingBack,
  version: Role,
  stranded: Stranded | undefined,
): Decision | undefined {
  if (!stranded || stranded.length === 0) return undefined;
  return failed(plan, state, { kind: "stranded", version, by: someOf(stranded, "; ", 3) });
}

export function failed(plan: Plan, { phase, step }: Promoting | RollingBack, reason: Reason): Decision {
  const late = step === "draining" || step === "retiring";
  const isKept = phase === "rolling-back" && reason.kind === "kept"; // stable has lost some of its traffic again
  const returned = late && !isKept && (phase === "rolling-back" || winnerOf(plan) === "stable");
  return { do: "nothing", next: { phase: "failed", during: phase, returned, reason }, reason };
}

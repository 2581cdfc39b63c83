import type { Gate } from "../release/gate.ts";

/** A gate as somebody wrote it. `auto` is what the release knows by itself: evidence and restarts. */
export type WrittenGate = Gate | "auto";

export const noRestarts: Gate = { kind: "restarts", name: "restarts", atMost: 0 };

/** The gates that are meant. Somebody who names a gate on restarts has said how many there may be. */
export function gatesIn(written: readonly WrittenGate[]): readonly Gate[] {
  const saysRestarts = written.some((gate) => gate !== "auto" && gate.kind === "restarts");
  const auto: Gate[] = [{ kind: "evidence", name: "evidence" }];
  if (!saysRestarts) auto.push(noRestarts);
  return written.flatMap((gate) => (gate === "auto" ? auto : [gate]));
}

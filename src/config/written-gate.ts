import type { Gate } from "../release/gate.ts";

/** A gate as somebody wrote it. `auto` is what the release knows by itself: evidence and restarts. */
export type WrittenGate = Gate | "auto";

export const noRestarts: Gate = { kind: "restarts", name: "restarts", atMost: 0 };

/** The gates that are meant. Somebody who names a gate on restarts has said how many there may be. */
export const gatesIn = (written: readonly WrittenGate[]): readonly Gate[] =>
  written.flatMap((gate): readonly Gate[] => {
    if (gate !== "auto") return [gate];
    const own = written.some((other) => other !== "auto" && other.kind === "restarts");
    return [{ kind: "evidence", name: "evidence" }, ...(own ? [] : [noRestarts])];
  });

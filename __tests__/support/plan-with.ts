import type { Millis } from "../../src/lib/duration.ts";
import type { Gate } from "../../src/release/gate.ts";
import type { Plan } from "../../src/release/plan.ts";
import { evidenceRules } from "./evidence-rules.ts";

/** A plan of one stage with these gates. */
export const planWith = (gates: readonly Gate[], pollEvery: Millis = 50): Plan => ({
  stages: [{ name: "10%", weight: 10, wait: 1_000, deadline: 10_000, gates, approval: false }],
  evidence: evidenceRules,
  pollEvery,
  ready: 1_000,
  meshDelay: 0,
  drain: 0,
  deadline: 60_000,
  patience: 10_000,
  promotion: "swap",
  keepOld: false,
  drift: "put-back",
});

import { defaults } from "../../src/evidence/defaults.ts";
import type { EvidenceRules } from "../../src/release/gate.ts";

/** Evidence as somebody has it who sets nothing. */
export const evidenceRules: EvidenceRules = {
  settings: defaults,
  measured: false,
  inconclusive: "extend",
  noData: "extend",
  early: false,
};

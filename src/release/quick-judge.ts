import type { Evidence } from "../evidence/evidence.ts";
import { weigh } from "../evidence/weight.ts";
import type { Judge } from "./decide.ts";
import type { EvidenceRules, Policy, Verdict } from "./gate.ts";
import { judge as inWords } from "./judge.ts";

/** The verdicts of `judge`, evidence without its words: finding them takes ten times as long as weighing. For one release, as it remembers the newest answer. */
export function quickJudge(): Judge {
  let newest: { readonly evidence: Evidence; readonly verdict: Verdict } | undefined;
  return (gate, seen, rules) => {
    const { evidence, uncounted } = seen;
    if (gate.kind !== "evidence" || evidence === undefined || uncounted !== undefined) return inWords(gate, seen, rules);
    if (newest?.evidence !== evidence) newest = { evidence, verdict: { ...wordless, ...answer(evidence, rules) } };
    return newest.verdict;
  };
}

const wordless = { because: "", value: "", limit: "" } as const;

type Answer = Pick<Verdict, "kind" | "policy" | "proven">;

function answer(evidence: Evidence, { settings, inconclusive, noData }: EvidenceRules): Answer {
  const { finding } = weigh(evidence, settings);
  switch (finding) {
    case "broken":
    case "too-much-traffic":
    case "lost":
    case "harm":
      return { kind: "fail" };
    case "too-little-traffic":
      return { kind: "wait", policy: inconclusive === "extend" ? "hold" : inconclusive };
    case "safe":
      return { kind: "pass", proven: true };
    case "sound":
      return settings.requires === "sound" ? { kind: "pass", proven: false } : { kind: "wait", policy: inconclusive };
    case "nothing":
      return undecided(evidence, settings.warmUp, inconclusive, noData);
  }
}

function undecided({ seen, judged, age }: Evidence, warmUp: number, inconclusive: Policy, noData: Policy): Answer {
  const { stable, canary } = judged.requests;
  const comparable = seen.requests.canary > 0 && (age < warmUp || (canary > 0 && stable > 0));
  return comparable ? { kind: "wait", policy: inconclusive } : { kind: "no-data", policy: noData };
}

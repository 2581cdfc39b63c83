import { defaults, type Settings } from "../../../src/evidence/defaults.ts";
import { dispersionOf } from "../../../src/evidence/dispersion.ts";
import { addPoll, noEvidence } from "../../../src/evidence/evidence.ts";
import { type EvidenceFinding, weigh } from "../../../src/evidence/weigh.ts";
import type { Judge } from "./judge.ts";

const failing: readonly EvidenceFinding[] = ["harm", "broken", "too-much-traffic", "lost"];
const endings: Partial<Record<EvidenceFinding, "passed" | "sound" | "held">> = {
  safe: "passed",
  sound: "sound",
  "too-little-traffic": "held",
};

/** The engine as it is, at every poll: with its defaults, and φ measured on stable's pods before the release. */
export const engine =
  (change: Partial<Settings> = {}): Judge =>
  (release) => {
    const settings: Settings = {
      ...defaults,
      dispersion: { kind: "tempered", phi: dispersionOf(release.before) },
      ...change,
    };
    let evidence = noEvidence;
    let finding = weigh(evidence, settings).finding;
    for (const [index, poll] of release.polls.entries()) {
      evidence = addPoll(evidence, poll, settings);
      ({ finding } = weigh(evidence, settings));
      if (failing.includes(finding)) return { end: "rolled back", at: index + 1 };
    }
    return { end: endings[finding] ?? "undecided" };
  };

import { dispersionOf } from "../../../src/evidence/dispersion.ts";
import { independent } from "../../../src/evidence/error-ratio.ts";
import { chance } from "../../../src/rehearsal/chance.ts";
import { engine } from "./engine.ts";
import type { Judge } from "./judge.ts";
import { play, type World } from "./world.ts";

const forms: readonly (readonly [name: string, judge: Judge])[] = [
  ["taken for independent", engine({ warmUp: 0, dispersion: independent })],
  ["tempered by φ", engine({ warmUp: 0 })],
  [
    "beta-binomial by φ",
    (release) =>
      engine({ warmUp: 0, dispersion: { kind: "beta-binomial", phi: dispersionOf(release.before) } })(release),
  ],
];

const world = (canary: number): World => ({ rate: 50, stable: () => 0.005, canary: () => canary, cluster: 3 });

/** What the two ways of bearing clusters do, and doing nothing; without warm-up, on the same releases. */
export function clustersTable(runs: number, seed: number): string {
  const part = (judge: Judge, canary: number): { readonly rolledBack: number; readonly served: number } => {
    const next = chance(seed);
    let [rolledBack, served] = [0, 0];
    for (let run = 0; run < runs; run++) {
      const release = play(world(canary), next);
      const outcome = judge(release);
      rolledBack += outcome.end === "rolled back" ? 1 : 0;
      served += release.polls
        .slice(0, outcome.end === "rolled back" ? outcome.at : release.polls.length)
        .reduce((sum, poll) => sum + poll.canary.errors, 0);
    }
    return { rolledBack: rolledBack / runs, served: served / runs };
  };
  return [
    "Failures in clusters of 3 on average, stable fails in 0.5%, without warm-up:",
    "",
    "| clusters are | healthy canaries rolled back | bad requests served at 5% |",
    "|---|---|---|",
    ...forms.map(
      ([name, judge]) =>
        `| ${name} | ${(part(judge, 0.005).rolledBack * 100).toFixed(1)}% | ${part(judge, 0.05).served.toFixed(1)} |`,
    ),
  ].join("\n");
}

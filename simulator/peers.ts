import type { Disturbance } from "./disturbance.ts";
import { imageOf, plainScenario, type Scenario } from "./scenario.ts";
import type { Result } from "./simulation.ts";

/** A fault that was reported of Argo Rollouts or of Flagger, as a scenario; and what shows that it does not happen. */
export type PeerFault = {
  readonly what: string;
  /** `argoproj/argo-rollouts#1838`: issues. */
  readonly reported: readonly string[];
  readonly scenario: Scenario;
  /** What is to be found in the story. */
  readonly shown: RegExp;
  /** What may not be. */
  readonly absent?: RegExp | undefined;
  readonly instead: string;
};

const second = 1_000;
const argo = (number: number): string => `argoproj/argo-rollouts#${number}`;
const flagger = (number: number): string => `fluxcd/flagger#${number}`;

const bad = { ...plainScenario, image: imageOf("v2-err60") };
const inStage = { phase: "baking", delay: 4 * second };
const when = (disturbance: Disturbance, scenario: Scenario = plainScenario): Scenario => ({
  ...scenario,
  disturbances: [disturbance],
});
const released = /requests go to reviews-v2 \(v2\) 100%/;
const givenBack = /writes the route: v1 100, v2 0/;

export const peerFaults: readonly PeerFault[] = [
  {
    what: "For a while there are no metrics, and that is taken for a failure",
    reported: [flagger(1353), flagger(1035), argo(1905), argo(3503)],
    scenario: when({ by: "prometheus", act: "answers nothing", lasts: 25 * second, when: inStage }),
    shown: released,
    instead: "the stage lasts longer, and the release goes on",
  },
  {
    what: "A canary that crashes keeps its weight until a deadline passes",
    reported: [flagger(523), argo(4128)],
    scenario: { ...plainScenario, image: imageOf("v2-die15") },
    shown: givenBack,
    instead: "its traffic is taken at the next look",
  },
  {
    what: "Pods that never start block the release for ever",
    reported: [argo(841), argo(1774), flagger(1247), flagger(1578)],
    scenario: { ...plainScenario, image: imageOf("v2-stuck") },
    shown: /the journal says rolled-back/,
    absent: /v2-stuck/,
    instead: "the release ends with what the kubelet says, before any request went there",
  },
  {
    what: "A rollback does not put everything back",
    reported: [argo(1838), argo(2576), flagger(1588), flagger(1448)],
    scenario: bad,
    shown: givenBack,
    instead: "VirtualService and DestinationRule are as they were, field by field",
  },
  {
    what: "A rollback waits until all of stable's pods are available",
    reported: ["argoproj/argo-rollouts 1.9"],
    scenario: when(
      { by: "person", act: "scales stable", when: { phase: "baking", delay: second } },
      { ...bad, podStart: 12 * second },
    ),
    shown: givenBack,
    instead: "traffic goes back at once, to the pods that are there",
  },
  {
    what: "Requests fail while versions are exchanged, because pods or subsets are not known yet or no more",
    reported: [argo(587), argo(4195), argo(2507), flagger(256), flagger(826)],
    scenario: { ...plainScenario, shape: "clone-swap", meshLag: 2 * second },
    shown: /requests go to reviews-canary \(v2\) 100%/,
    absent: /requests go to .*nobody(?! 100%)/,
    instead: "no request goes to nobody, with a mesh that learns up to 2s late",
  },
  {
    what: "Git puts the VirtualService back, and the controller writes it again, for ever",
    reported: [argo(3854), flagger(1504), "argoproj/argo-cd#9678"],
    scenario: when({ by: "person", act: "puts the route back again and again", when: inStage }),
    shown: /the journal says rolled-back/,
    instead: "the release rolls back and says who wrote",
  },
  {
    what: "Somebody resets the weights in a stage, and nobody notices",
    reported: [argo(4741), argo(2780)],
    scenario: when({ by: "person", act: "edits the weights", when: inStage }),
    shown: /the journal says rolling-back/,
    instead: "it is noticed at the next look, and rolled back",
  },
  {
    what: "A second release begins while the first runs, and both write",
    reported: [argo(2769), flagger(30), flagger(635)],
    scenario: when({ by: "job", act: "releases another version", skew: 0, when: inStage }),
    shown: /job 2: release ends with 2/,
    instead: "the second is refused and changes nothing",
  },
  {
    what: "Two of the controller lead at once",
    reported: [argo(2117)],
    scenario: when({ by: "job", act: "is a twin of the first", skew: 0, when: inStage }),
    shown: /job 1b: release ends with 2/,
    instead: "one has the lock, also of two jobs of one run",
  },
  {
    what: "Somebody else writes the object at the same time, and the step is lost",
    reported: [argo(1904), argo(3080)],
    scenario: when({
      by: "network",
      link: "kubernetes",
      act: "doubled",
      of: "write",
      times: 2,
      share: 1,
      lasts: 600 * second,
      when: { phase: "shifting", delay: 0 },
    }),
    shown: released,
    instead: "it is read again, planned again and written again",
  },
];

/** What is wrong with how a peer's fault was played; undefined when it did not happen. */
export function faultIn({ shown, absent }: PeerFault, { story, violations }: Result): string | undefined {
  const [violation] = violations;
  if (violation) return violation.text;
  const text = story.join("\n");
  if (!shown.test(text)) return `${shown} is not in the story`;
  return absent?.test(text) ? `${absent} is in the story` : undefined;
}

import assert from "node:assert/strict";
import test from "node:test";
import { isSameReason, type Reason } from "../../src/release/reason.ts";
import type { GateVerdict } from "../../src/release/verdict.ts";
import { say } from "../../src/words/say.ts";

const minute = 60_000;
const pods = "1 of 2 pods are available";
const differences = "v2 has 0%";
const verdict: GateVerdict = {
  ...{ gate: "errors", kind: "wait" },
  figures: { of: "errors", allowed: 0.01, requests: 3, failed: 1, needed: 20 },
};
const few = "errors: 1 of 3 canary requests failed (33.3%), limit ≤ 1%; 20 requests are needed to judge";
const bound: GateVerdict = {
  ...{ gate: "budget", kind: "wait", policy: "hold" },
  figures: { of: "budget", largest: 5, weight: 10 },
};
const bounded =
  "too few requests yet to rule out that more of all requests fail by the canary than evidence.budget allows: at most 5% on the canary would surely be within it, and it has 10%";

const lesson = { lesson: "routes", at: 1_000, after: 400, gateways: 0, callers: 0, without: [], unread: 0 } as const;

type Of<K extends Reason["kind"]> = Extract<Reason, { kind: K }>;

/** Every kind, or the compiler complains. */
const sentences: { readonly [K in Reason["kind"]]: readonly (readonly [Omit<Of<K>, "kind">, string])[] } = {
  measured: [[{ words: "errors varied 3 times as much" }, "errors varied 3 times as much"]],
  deploying: [[{}, "deploying the canary"]],
  "canary-ready": [[{ pods }, `the canary is ready: ${pods}`]],
  "canary-not-ready": [
    [{ pods }, `the canary is not ready: ${pods}`],
    [{ pods: undefined }, "the canary is not ready: its pods could not be read"],
    [{ pods, after: 5 * minute }, `the canary is not ready: ${pods}, after 5m`],
  ],
  "canary-broken": [[{ pods: "pod x: crash loop" }, "pod x: crash loop"]],
  "mesh-learning": [[{ left: 1_000 }, "the mesh learns of the new pods: 1s"]],
  "mesh-learnt": [[{}, "waited for the mesh to learn of the new pods"]],
  "proxies-learnt": [
    [
      { ...lesson, gateways: 2, callers: 3 },
      "the mesh's proxies had the routes as they were written after 400ms: 2 gateways, 3 callers",
    ],
    [
      { ...lesson, lesson: "canary", callers: 1, unread: 2 },
      "the mesh's proxies had the canary's pods after 400ms: 1 caller, 2 not read",
    ],
    [
      { ...lesson, after: 2_000, gateways: 1, callers: 1, without: ["gateway istio-system/gw-1"] },
      "after 2s not all of the mesh's proxies had the routes as they were written: gateway istio-system/gw-1 had not (read: 1 gateway, 1 caller)",
    ],
    [
      { ...lesson, because: "no pod answers" },
      "whether the mesh's proxies have the routes as they were written is not known (no pod answers), so they are given their time",
    ],
  ],
  "making-room": [
    [{ weight: 10 }, "making room for 10% on the canary"],
    [{ weight: 0, mirror: 50 }, "making room for copies of 50% on the canary"],
  ],
  "giving-weight": [
    [{ weight: 10 }, "giving the canary 10% of the requests"],
    [{ weight: 0 }, "letting testers in to the canary"],
    [
      { weight: 0, mirror: 50 },
      "sending the canary copies of 50% of the requests, whose answers nobody gets; what they write is written twice",
    ],
  ],
  "stage-goes-on": [[{ stage: "10%", left: 4 * minute }, "stage 10% goes on for 4m"]],
  "stage-extended": [[{ stage: "10%", verdict }, `stage 10% is extended: ${few}`]],
  "stage-passed": [
    [{ stage: "10%" }, "stage 10% passed"],
    [{ stage: "10%", verdict }, `stage 10% ended undecided and goes on by the plan: ${few}`],
    [
      { stage: "10%", smaller: { weight: 17, planned: 50 } },
      "stage 10% passed; next is 17% instead of 50%: what was counted so far allows no more within evidence.budget",
    ],
  ],
  held: [
    [{ stage: "10%", question: "undecided", verdict }, `stage 10% is held for somebody to decide: ${few}`],
    [{ stage: "10%", question: "budget", verdict: bound }, `stage 10% is held for somebody to decide: ${bounded}`],
  ],
  "gate-failed": [[{ verdict }, few]],
  "stage-not-judged": [
    [{ stage: "10%", deadline: 5 * minute, verdict }, `stage 10% could not be judged within 5m: ${few}`],
  ],
  "stage-undecided": [[{ stage: "10%", verdict }, `stage 10% ended undecided, which fails by the plan: ${few}`]],
  "pods-gone": [[{ pods }, `no pod of the canary is available any more: ${pods}`]],
  "canary-put-back": [
    [
      { differences },
      "somebody else changed the canary (v2 has 0%); deploying it again, to be judged from the beginning",
    ],
  ],
  "beginning-again": [[{}, "stable has all requests again; the release begins again"]],
  "canary-changed": [
    [
      { differences, putBacks: 0 },
      "somebody else changed the canary, so what was judged is not what would be promoted: v2 has 0%",
    ],
    [
      { differences, putBacks: 2 },
      "somebody else changed the canary, again after it was put back 2 times, so what was judged is not what would be promoted: v2 has 0%",
    ],
  ],
  "stable-changed": [
    [
      { differences },
      "stable does not run what was judged: v2 has 0%. All traffic stays on the canary, which passed every stage",
    ],
  ],
  "stable-lost": [
    [{ pods }, `stable has no available pod any more (${pods}): the canary, which runs the same, gets its requests`],
  ],
  "canary-lost": [
    [{ pods }, `the canary has no available pod any more (${pods}): stable, which is being updated, gets its requests`],
  ],
  unserved: [
    [
      { version: "stable", words: "Service shop/reviews is gone" },
      "no request for stable can be answered: Service shop/reviews is gone",
    ],
    [
      { version: "canary", words: "Service shop/reviews is gone", after: minute },
      "no request for the canary can be answered: Service shop/reviews is gone, after 1m",
    ],
  ],
  "stable-away": [
    [{ pods }, `stable cannot answer, so the canary keeps its requests until it can: ${pods}`],
    [{ pods, after: minute }, `stable cannot answer, so the canary keeps its requests until it can: ${pods}, after 1m`],
  ],
  "reviving-stable": [[{}, "somebody scaled stable to 0, which is to have all requests: it gets its pods back"]],
  kept: [
    [
      { version: "canary", differences },
      "somebody else changed the route, and it sends requests to the canary, so the canary keeps its pods: v2 has 0%",
    ],
    [
      { version: "stable", differences },
      "somebody else changed the route, and it sends requests to stable, so stable keeps its pods: v2 has 0%",
    ],
  ],
  "put-back": [[{ differences }, "the route is not as the release left it (v2 has 0%); putting it back"]],
  drift: [
    [{ differences, putBacks: 0 }, "the route is not as the release left it: v2 has 0%"],
    [
      { differences, putBacks: 2 },
      "the route is not as the release left it, again after it was put back 2 times: v2 has 0%",
    ],
  ],
  "updating-stable": [
    [{}, "every stage passed: stable gets the new image"],
    [{ atOnce: true }, "stable gets the image"],
  ],
  "stable-ready": [[{ pods }, `stable runs the new image: ${pods}`]],
  "stable-not-ready": [
    [{ pods, stuck: false }, `stable is not ready with the new image: ${pods}`],
    [{ pods: undefined, stuck: false }, "stable is not ready with the new image: its pods could not be read"],
    [
      { pods, stuck: true },
      `stable is not ready with the new image: ${pods}. All traffic stays on the canary, which passed every stage`,
    ],
  ],
  "stable-broken": [
    [{ pods: "quota exceeded" }, "quota exceeded. All traffic stays on the canary, which passed every stage"],
  ],
  promoted: [
    [{ winner: "canary" }, "every stage passed: the canary is the new stable"],
    [{ winner: "stable" }, "stable runs the new image, so it gets all requests again"],
    [{ winner: "canary", atOnce: true }, "the canary serves everything: it is the new stable"],
    [{ winner: "stable", atOnce: true }, "stable runs the image, so it gets all requests again"],
  ],
  undone: [
    [{ deployment: "reviews-v1" }, "the version before serves everything again: reviews-v1"],
    [{ deployment: "reviews-v1", image: "r:v1" }, "the version before serves everything again: reviews-v1 with r:v1"],
  ],
  draining: [[{ left: 10_000 }, "requests under way may finish: 10s"]],
  stranded: [
    [
      { version: "stable", by: 'VirtualService shop/late: route "a" sends 100% of its requests to reviews subset v1' },
      'stable keeps its pods, since without them nobody would answer what the release does not move: VirtualService shop/late: route "a" sends 100% of its requests to reviews subset v1',
    ],
  ],
  drained: [[{}, "requests under way had time to finish"]],
  retiring: [
    [{ loser: "canary", kept: false }, "removing the canary"],
    [{ loser: "stable", kept: false }, "scaling the old version down"],
    [{ loser: "stable", kept: true }, "the old version is kept"],
  ],
  restoring: [[{}, "putting the canary back as it was"]],
  trouble: [
    [{ words: "the webhook says no", lasting: true }, "the webhook says no"],
    [{ words: "no answer", lasting: false, lasted: 30_000 }, "no answer, for 30s"],
  ],
  "looking-again": [[{ words: "no answer" }, "no answer; looking again"]],
  "trying-again": [[{ words: "no answer" }, "no answer; trying again"]],
  late: [[{ deadline: 60 * minute }, "the release was not done within its deadline of 1h"]],
  cancelled: [[{ words: "the job was cancelled" }, "the job was cancelled"]],
  "job-ended": [[{}, "the job was cancelled, or ended before the release did"]],
  "left-half-way": [[{}, "its job ended without finishing it"]],
  "rollback-wanted": [
    [{}, "rolled back by hand"],
    [{ actor: "octocat" }, "rolled back by hand, by octocat"],
  ],
  approved: [
    [{}, "approved"],
    [{ actor: "octocat" }, "approved by octocat"],
  ],
  "undo-wanted": [
    [{ deployment: "reviews-v1", image: "r:v1", actor: "octocat" }, "undo by octocat: back to reviews-v1 with r:v1"],
    [{ deployment: "reviews-v1" }, "undo: back to reviews-v1"],
  ],
  "hold-over": [[{ after: 3_600_000 }, "it was held, and nobody decided within 1h"]],
  "taken-up": [
    [{}, "taken up again"],
    [{ actor: "octocat" }, "taken up again by octocat"],
  ],
};

for (const [kind, rows] of Object.entries(sentences)) {
  test(`${kind} is told in these words`, () => {
    for (const [fields, sentence] of rows) assert.equal(say({ kind, ...fields } as Reason), sentence);
  });
}

test("what the canary's pods told afterwards comes last", () => {
  assert.equal(
    say({ kind: "gate-failed", verdict, lastWords: "pod x: exit code 137" }),
    `${few}. Its pods later: pod x: exit code 137`,
  );
});

test("a reason that came back from the journal is the same, and another is another", () => {
  const reason: Reason = { kind: "stage-passed", stage: "10%", verdict: undefined };
  assert.ok(isSameReason(reason, JSON.parse(JSON.stringify(reason))));
  assert.ok(!isSameReason(reason, { kind: "stage-passed", stage: "25%" }));
  assert.ok(!isSameReason(reason, undefined));
});

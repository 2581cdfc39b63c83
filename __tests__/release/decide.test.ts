import assert from "node:assert/strict";
import test from "node:test";
import type { Tally } from "../../src/evidence/tally.ts";
import { decide, type Observation } from "../../src/release/decide.ts";
import type { Health } from "../../src/release/health.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { Running, State } from "../../src/release/state.ts";
import { planOf, second, stageOf } from "../support/world.ts";

const now = 1_000 * second;
const healthy: Health = { ready: true, desired: 2, available: 2, restarts: 0, because: "2 of 2 pods are available" };
const counted = (requests: number, errors: number): Tally => ({
  stable: { requests: 1_000, errors: 0, buckets: [] },
  canary: { requests, errors, buckets: [] },
  unattributed: { requests: 0, errors: 0, buckets: [] },
});
const seen = (more: Partial<Observation> = {}): Observation => ({
  now,
  deadlineAt: now + 3_600 * second,
  canary: healthy,
  tally: counted(100, 0),
  readings: new Map(),
  ...more,
});

const baking = (stage: number, age: number, putBacks = 0): Running => ({ phase: "baking", stage, since: now - age, putBacks });
const shifting = (stage: number, step: "scaling" | "filling" | "routing", age = 0): Running => ({ phase: "shifting", stage, step, since: now - age });
const preparing = (step: "deploying" | "starting" | "settling", age = 0): Running => ({ phase: "preparing", step, since: now - age });
const promoting = (step: "updating" | "starting" | "settling" | "finishing" | "draining" | "retiring", age = 0): Running => ({
  phase: "promoting",
  step,
  since: now - age,
});
const rollingBack = (step: "returning" | "draining" | "retiring", age = 0, served = true): Running => ({
  phase: "rolling-back",
  step,
  because: "it was bad",
  served,
  since: now - age,
});
const put = { ...planOf(), drift: "put-back" } as const;
const eager = planOf({ stages: [stageOf(5, { gates: [{ kind: "errors", name: "errors", atMost: 0.05, minRequests: 20, noData: "fail" }] })] });
const update = planOf({ promotion: "update" });
const approving = planOf({ stages: [stageOf(5, { approval: true }), stageOf(50)] });

/** What is done, where that leads ("phase/step or stage"), and words that the reason must contain. */
const table: readonly (readonly [name: string, plan: Plan, state: Running, seen: Observation, done: string, leads: string, because: string])[] = [
  ["a release begins by deploying the canary", planOf(), preparing("deploying"), seen(), "deploy", "preparing/starting", "deploying"],
  [
    "a canary that is not ready yet is waited for",
    planOf(),
    preparing("starting", 5 * second),
    seen({ canary: { ...healthy, ready: false, because: "0 of 2 pods are available" } }),
    "wait",
    "",
    "0 of 2",
  ],
  ["a canary that is ready is made known to the mesh", planOf(), preparing("starting"), seen(), "nothing", "preparing/settling", "ready"],
  ["the mesh gets time to learn of it", planOf(), preparing("settling", 1 * second), seen(), "wait", "", "learns of the new pods: 1 s"],
  ["then the canary gets its first capacity", planOf(), preparing("settling", 2 * second), seen(), "nothing", "shifting/scaling", "had time"],
  [
    "a canary that never gets ready is given up",
    planOf(),
    preparing("starting", 60 * second),
    seen({ canary: { ...healthy, ready: false } }),
    "nothing",
    "rolling-back/returning",
    "after 1 m",
  ],
  [
    "a canary that cannot start is given up at once",
    planOf(),
    preparing("starting"),
    seen({ canary: { ...healthy, ready: false, fatal: "cannot pull" } }),
    "nothing",
    "rolling-back/returning",
    "cannot pull",
  ],
  ["capacity comes before traffic", planOf(), shifting(0, "scaling"), seen(), "scale", "shifting/filling", "5 %"],
  ["pods are there before traffic", planOf(), shifting(0, "filling"), seen({ canary: { ...healthy, ready: false } }), "wait", "", "not ready"],
  ["then the weight is written", planOf(), shifting(1, "routing"), seen(), "route", "baking/1", "25 %"],
  ["after the last stage all traffic goes to the canary", planOf(), shifting(3, "routing"), seen(), "route", "promoting/finishing", "100 %"],
  ["an update changes stable only after that", update, shifting(3, "routing"), seen(), "route", "promoting/updating", "100 %"],
  ["a stage lasts at least its wait", planOf(), baking(0, 19 * second), seen(), "wait", "", "goes on"],
  ["a stage that passed leads to the next", planOf(), baking(0, 20 * second), seen(), "nothing", "shifting/scaling", "passed"],
  ["a stage that needs approval waits for somebody", approving, baking(0, 20 * second), seen(), "nothing", "waiting/0", "passed"],
  [
    "a failing gate rolls back before the wait is over",
    planOf(),
    baking(0, 1 * second),
    seen({ tally: counted(100, 20) }),
    "nothing",
    "rolling-back/returning",
    "20 of 100",
  ],
  ["too few requests hold a stage", planOf(), baking(0, 30 * second), seen({ tally: counted(3, 0) }), "wait", "", "20 requests are needed"],
  ["a stage without data waits until its deadline", planOf(), baking(0, 59 * second), seen({ tally: counted(0, 0) }), "wait", "", "no data"],
  [
    "and then rolls back, saying so",
    planOf(),
    baking(0, 60 * second),
    seen({ tally: counted(0, 0) }),
    "nothing",
    "rolling-back/returning",
    "could not be judged",
  ],
  ["a gate that wants data at once gives the first two polls time", eager, baking(0, 9 * second), seen({ tally: counted(0, 0) }), "wait", "", "goes on"],
  ["and fails without any then", eager, baking(0, 10 * second), seen({ tally: counted(0, 0) }), "nothing", "rolling-back/returning", "no request"],
  [
    "counters that could not be read are no data",
    planOf(),
    baking(0, 60 * second),
    (({ tally: _, ...rest }) => rest)(seen()),
    "nothing",
    "rolling-back/returning",
    "no data",
  ],
  [
    "a cancelled job rolls back while it waits",
    planOf(),
    baking(0, 1 * second),
    seen({ stop: "the job was cancelled" }),
    "nothing",
    "rolling-back/returning",
    "cancelled",
  ],
  [
    "a canary whose pods are all gone is taken out",
    planOf(),
    baking(1, 1 * second),
    seen({ canary: { ...healthy, available: 0, ready: false, because: "exit code 137" } }),
    "nothing",
    "rolling-back/returning",
    "any more: exit code 137",
  ],
  [
    "a dying canary is taken out",
    planOf(),
    baking(1, 1 * second),
    seen({ canary: { ...healthy, fatal: "crash loop" } }),
    "nothing",
    "rolling-back/returning",
    "crash loop",
  ],
  ["somebody else's weights end a release", planOf(), baking(1, 1 * second), seen({ drift: "v2 has 0 %" }), "nothing", "rolling-back/returning", "v2 has 0 %"],
  ["or are put back", put, baking(1, 1 * second), seen({ drift: "v2 has 0 %" }), "route", "baking/1", "putting it back"],
  ["but not for ever", put, baking(1, 1 * second, 2), seen({ drift: "v2 has 0 %" }), "nothing", "rolling-back/returning", "put back 2 times"],
  [
    "a refusal that lasts ends a release",
    planOf(),
    shifting(1, "routing"),
    seen({ trouble: { because: "the webhook says no", lasting: true, since: now } }),
    "nothing",
    "rolling-back/returning",
    "webhook",
  ],
  [
    "a cluster that does not answer is borne for a while",
    planOf(),
    shifting(1, "routing"),
    seen({ trouble: { because: "no answer", lasting: false, since: now - 29 * second } }),
    "route",
    "baking/1",
    "25 %",
  ],
  [
    "but not for ever",
    planOf(),
    shifting(1, "routing"),
    seen({ trouble: { because: "no answer", lasting: false, since: now - 30 * second } }),
    "nothing",
    "rolling-back/returning",
    "for 30 s",
  ],
  [
    "a stage is not judged on half a look",
    planOf(),
    baking(0, 20 * second),
    seen({ trouble: { because: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "looking again",
  ],
  ["a release that is late rolls back", planOf(), baking(0, 1 * second), seen({ deadlineAt: now }), "nothing", "rolling-back/returning", "deadline of 1 h"],
  [
    "a cancelled job goes on while promoting",
    planOf(),
    promoting("finishing"),
    seen({ stop: "the job was cancelled" }),
    "finish",
    "promoting/draining",
    "new stable",
  ],
  ["stable gets the image", update, promoting("updating"), seen(), "update-stable", "promoting/starting", "stable gets"],
  ["stable is waited for", update, promoting("starting", 1 * second), seen({ stable: { ...healthy, ready: false, because: "1 of 2" } }), "wait", "", "1 of 2"],
  [
    "a stable that does not come up leaves the traffic on the canary",
    update,
    promoting("starting", 60 * second),
    seen({ stable: { ...healthy, ready: false } }),
    "nothing",
    "failed/promoting",
    "stays on the canary",
  ],
  ["a stable that is ready is made known to the mesh", update, promoting("starting"), seen({ stable: healthy }), "nothing", "promoting/settling", "2 of 2"],
  ["the mesh gets time to learn of stable's new pods", update, promoting("settling", 1 * second), seen(), "wait", "", "learns of the new pods"],
  ["and then stable is given back", update, promoting("settling", 2 * second), seen(), "nothing", "promoting/finishing", "had time"],
  ["then stable gets its traffic back", update, promoting("finishing"), seen(), "finish", "promoting/draining", "traffic back"],
  ["requests under way may finish", planOf(), promoting("draining", 9 * second), seen(), "wait", "", "may finish"],
  ["then the loser goes", planOf(), promoting("retiring"), seen(), "retire", "succeeded", "scaling the old version down"],
  ["a rollback writes the weight first", planOf(), rollingBack("returning"), seen(), "finish", "rolling-back/draining", "it was bad"],
  [
    "a canary that never had traffic needs no time to drain",
    planOf(),
    rollingBack("returning", 0, false),
    seen(),
    "finish",
    "rolling-back/retiring",
    "it was bad",
  ],
  ["then everything else goes back", planOf(), rollingBack("retiring"), seen(), "restore", "rolled-back", "as it was"],
  [
    "a rollback that fails is tried again for long",
    planOf(),
    rollingBack("returning"),
    seen({ trouble: { because: "no answer", lasting: false, since: now - 149 * second } }),
    "finish",
    "rolling-back/draining",
    "it was bad",
  ],
  [
    "and then says that it could not",
    planOf(),
    rollingBack("returning"),
    seen({ trouble: { because: "no answer", lasting: false, since: now - 150 * second } }),
    "nothing",
    "failed/rolling-back",
    "no answer",
  ],
];

for (const [name, plan, state, observation, done, leads, because] of table) {
  test(`${state.phase}: ${name}`, () => {
    const decision = decide(plan, state, observation);
    assert.equal(decision.do, done, decision.because);
    assert.equal(decision.do === "wait" ? "" : placeOf(decision.next), leads);
    assert.ok(decision.because.includes(because), decision.because);
  });
}

function placeOf(state: State): string {
  if ("step" in state) return `${state.phase}/${state.step}`;
  if ("stage" in state) return `${state.phase}/${state.stage}`;
  return "during" in state ? `${state.phase}/${state.during}` : state.phase;
}

test("no wait is longer than a poll, or than the time to the next thing that happens", () => {
  for (const [, plan, state, observation] of table) {
    const decision = decide(plan, state, observation);
    if (decision.do === "wait") assert.ok(decision.until > now && decision.until <= now + Math.max(plan.pollEvery, plan.drain), `${decision.until - now}`);
  }
});

import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import type { Tally } from "../../src/evidence/tally.ts";
import { largestWeight } from "../../src/evidence/worst-case.ts";
import { decide } from "../../src/release/decide.ts";
import type { Decision } from "../../src/release/decision.ts";
import type { EvidenceRules } from "../../src/release/gate.ts";
import type { Health } from "../../src/release/health.ts";
import type { Away, Look, Observation, StageCounts, Strayed, Trouble } from "../../src/release/observation.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import { trafficAt } from "../../src/release/planned-traffic.ts";
import type { Reason } from "../../src/release/reason.ts";
import type { PreparationStep, RollingBack, Running, State } from "../../src/release/state.ts";
import { say } from "../../src/words/say.ts";
import { evidenceRules } from "../support/evidence-rules.ts";
import { planOf, second, stageOf } from "../support/world.ts";

const now = 1_000 * second;
const healthy: Health = { ready: true, desired: 2, available: 2, restarts: 0, because: "2 of 2 pods are available" };
const asBefore: Health = { ...healthy, had: 2, untouched: true };
const updated: Health = { ...healthy, had: 2, untouched: false };
/** Somebody scaled it to 0. */
const gone: Health = { ...asBefore, ready: false, desired: 0, available: 0, because: "0 of 2 pods are available" };
const dead: Health = { ...healthy, ready: false, available: 0, because: "0 of 2 pods are available" };
const terminating = { terminating: true, fatal: "it is being deleted", because: "it is being deleted" } as const;
const unreached: Health = { ...dead, because: "no subset v2", unreached: true };
const toStable: Strayed = { differences: "v1 100, v2 0", serving: ["stable"] };
const toBoth: Strayed = { differences: "v1 90, v2 10", serving: ["stable", "canary"] };
const changed: Health = { ...healthy, changed: "Deployment shop/reviews-v2 has the image v3, not v2" };
const counted = (requests: number, errors: number): Tally => ({
  stable: { requests: 1_000, errors: 0, buckets: [] },
  canary: { requests, errors, buckets: [] },
  unattributed: { requests: 0, errors: 0, buckets: [] },
});
/** What a row says of the world; the rest is well. `look: "failed"`: nothing could be seen of it. */
type Sight = {
  readonly stop?: string;
  readonly trouble?: Trouble;
  readonly deadlineAt?: number;
  readonly look?: "failed";
  readonly canary?: Health;
  readonly stable?: Health;
  readonly again?: number;
  readonly taken?: boolean;
  readonly strayed?: Strayed;
  readonly away?: Away;
  readonly drift?: string;
  readonly tally?: Tally;
  readonly uncounted?: string;
  readonly evidence?: Evidence;
  /** When the URL answered well last, while a newer answer is under way. */
  readonly before?: number;
};
const seen = (sight: Sight = {}): Sight => sight;

const observed = ({ phase }: Running, sight: Sight): Observation => {
  const { stop, trouble, again, taken, deadlineAt = now + 3_600 * second } = sight;
  if (sight.look === "failed") {
    const known = sight.tally && { counts: countsOf(sight), evidence: noEvidence, readings: new Map() };
    return { now, deadlineAt, stop, trouble: trouble ?? assert.fail(), counted: known };
  }
  return { now, deadlineAt, stop, again, taken, trouble, look: lookOf(phase, sight) };
};

function lookOf(phase: Running["phase"], sight: Sight): Look {
  const { canary = healthy, stable, strayed, drift, away, evidence = noEvidence } = sight;
  switch (phase) {
    case "preparing":
      return { phase, canary };
    case "rolling-back":
      return { phase, stable, canary, strayed, counted: { ...countedIn(sight), stage: 0 } };
    case "shifting":
      return { phase, canary, away, counted: { counts: countsOf(sight), evidence, readings: new Map() } };
    case "promoting":
      return { phase, stable, canary, strayed };
    case "baking": {
      const counts = countsOf(sight);
      const known = { readings: answersOf(sight), awaited: new Set(answersOf(sight).keys()) };
      return { phase, drift, canary, away, counts, served: undefined, evidence, ...known };
    }
  }
}

const answersOf = ({ before }: Sight) => new Map(before === undefined ? [] : [["rate", [{ at: before, value: 0 }]]]);

const countedIn = (sight: Sight) => ({ counts: countsOf(sight), evidence: noEvidence, readings: new Map() });

const countsOf = ({ tally = counted(100, 0), uncounted }: Sight): StageCounts =>
  uncounted === undefined ? { tally } : { uncounted };

const decided = (plan: Plan, state: Running, sight: Sight): Decision => decide(plan, state, observed(state, sight));

const baking = (stage: number, age: number, putBacks = 0): Running => ({
  phase: "baking",
  stage,
  since: now - age,
  putBacks,
});
const shifting = (stage: number, step: "scaling" | "filling" | "routing", age = 0): Running => ({
  phase: "shifting",
  stage,
  step,
  since: now - age,
});
const preparing = (step: PreparationStep, age = 0): Running => ({
  phase: "preparing",
  step,
  since: now - age,
});
const promoting = (
  step: "updating" | "starting" | "settling" | "finishing" | "draining" | "retiring",
  age = 0,
): Running => ({
  phase: "promoting",
  step,
  since: now - age,
});
const rollingBack = (step: "returning" | "draining" | "retiring", age = 0, served = true): RollingBack => ({
  phase: "rolling-back",
  step,
  reason: { kind: "cancelled", words: "it was bad" },
  served,
  since: now - age,
});
const put = { ...planOf(), drift: "put-back" } as const;
const eager = planOf({
  stages: [stageOf(5, { gates: [{ kind: "errors", name: "errors", atMost: 0.05, minRequests: 20, noData: "fail" }] })],
});
const update = planOf({ promotion: "update" });
const approving = planOf({ stages: [stageOf(5, { approval: true }), stageOf(50)] });

/** What is done, where that leads ("phase/step or stage"), and words that the reason must contain. */
const table: readonly (readonly [
  name: string,
  plan: Plan,
  state: Running,
  seen: Sight,
  done: string,
  leads: string,
  kind: Reason["kind"],
  because: string,
])[] = [
  [
    "a release begins by deploying the canary",
    planOf(),
    preparing("deploying"),
    seen(),
    "deploy",
    "preparing/starting",
    "deploying",
    "deploying",
  ],
  [
    "a canary that is not ready yet is waited for",
    planOf(),
    preparing("starting", 5 * second),
    seen({ canary: { ...healthy, ready: false, because: "0 of 2 pods are available" } }),
    "wait",
    "",
    "canary-not-ready",
    "0 of 2",
  ],
  [
    "a canary that is ready is made known to the mesh",
    planOf(),
    preparing("starting"),
    seen(),
    "nothing",
    "preparing/settling",
    "canary-ready",
    "ready",
  ],
  [
    "the mesh gets time to learn of it",
    planOf(),
    preparing("settling", 1 * second),
    seen(),
    "wait",
    "",
    "mesh-learning",
    "learns of the new pods: 1s",
  ],
  [
    "then the canary gets its first capacity",
    planOf(),
    preparing("settling", 2 * second),
    seen(),
    "nothing",
    "shifting/scaling",
    "mesh-learnt",
    "waited for the mesh",
  ],
  [
    "a canary that never gets ready is given up",
    planOf(),
    preparing("starting", 60 * second),
    seen({ canary: { ...healthy, ready: false } }),
    "nothing",
    "rolling-back/returning",
    "canary-not-ready",
    "after 1m",
  ],
  [
    "a canary that cannot start is given up at once",
    planOf(),
    preparing("starting"),
    seen({ canary: { ...healthy, ready: false, fatal: "cannot pull" } }),
    "nothing",
    "rolling-back/returning",
    "canary-broken",
    "cannot pull",
  ],
  [
    "capacity comes before traffic",
    planOf(),
    shifting(0, "scaling"),
    seen(),
    "scale",
    "shifting/filling",
    "making-room",
    "5%",
  ],
  [
    "pods are there before traffic",
    planOf(),
    shifting(0, "filling"),
    seen({ canary: { ...healthy, ready: false } }),
    "wait",
    "",
    "canary-not-ready",
    "not ready",
  ],
  ["then the weight is written", planOf(), shifting(1, "routing"), seen(), "route", "baking/1", "giving-weight", "25%"],
  [
    "after the last stage all traffic goes to the canary",
    planOf(),
    shifting(3, "routing"),
    seen(),
    "route",
    "promoting/finishing",
    "giving-weight",
    "100%",
  ],
  [
    "an update changes stable only after that",
    update,
    shifting(3, "routing"),
    seen(),
    "route",
    "promoting/updating",
    "giving-weight",
    "100%",
  ],
  ["a stage lasts at least its wait", planOf(), baking(0, 19 * second), seen(), "wait", "", "stage-goes-on", "goes on"],
  [
    "a stage that passed leads to the next",
    planOf(),
    baking(0, 20 * second),
    seen(),
    "nothing",
    "shifting/scaling",
    "stage-passed",
    "passed",
  ],
  [
    "a stage that needs approval waits for somebody",
    approving,
    baking(0, 20 * second),
    seen(),
    "nothing",
    "waiting/0",
    "stage-passed",
    "passed",
  ],
  [
    "a failing gate rolls back before the wait is over",
    planOf(),
    baking(0, 1 * second),
    seen({ tally: counted(100, 20) }),
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    "20 of 100",
  ],
  [
    "too few requests hold a stage",
    planOf(),
    baking(0, 30 * second),
    seen({ tally: counted(3, 0) }),
    "wait",
    "",
    "stage-extended",
    "20 requests are needed",
  ],
  [
    "a stage without data waits until its deadline",
    planOf(),
    baking(0, 59 * second),
    seen({ tally: counted(0, 0) }),
    "wait",
    "",
    "stage-extended",
    "no data",
  ],
  [
    "and then rolls back, saying so",
    planOf(),
    baking(0, 60 * second),
    seen({ tally: counted(0, 0) }),
    "nothing",
    "rolling-back/returning",
    "stage-not-judged",
    "could not be judged",
  ],
  [
    "a gate that wants data at once gives the first two polls time",
    eager,
    baking(0, 9 * second),
    seen({ tally: counted(0, 0) }),
    "wait",
    "",
    "stage-goes-on",
    "goes on",
  ],
  [
    "and fails without any then",
    eager,
    baking(0, 10 * second),
    seen({ tally: counted(0, 0) }),
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    "no request",
  ],
  [
    "counters that could not be read are no data",
    planOf(),
    baking(0, 60 * second),
    seen({ uncounted: "Prometheus is away" }),
    "nothing",
    "rolling-back/returning",
    "stage-not-judged",
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
    "cancelled",
  ],
  [
    "a canary whose pods are all gone is taken out",
    planOf(),
    baking(1, 1 * second),
    seen({ canary: { ...healthy, available: 0, ready: false, because: "exit code 137" } }),
    "nothing",
    "rolling-back/returning",
    "pods-gone",
    "any more: exit code 137",
  ],
  [
    "a dying canary is taken out",
    planOf(),
    baking(1, 1 * second),
    seen({ canary: { ...healthy, fatal: "crash loop" } }),
    "nothing",
    "rolling-back/returning",
    "canary-broken",
    "crash loop",
  ],
  [
    "somebody else's weights end a release",
    planOf(),
    baking(1, 1 * second),
    seen({ drift: "v2 has 0%" }),
    "nothing",
    "rolling-back/returning",
    "drift",
    "v2 has 0%",
  ],
  [
    "or are put back",
    put,
    baking(1, 1 * second),
    seen({ drift: "v2 has 0%" }),
    "route",
    "baking/1",
    "put-back",
    "putting it back",
  ],
  [
    "but not for ever",
    put,
    baking(1, 1 * second, 2),
    seen({ drift: "v2 has 0%" }),
    "nothing",
    "rolling-back/returning",
    "drift",
    "put back 2 times",
  ],
  [
    "a canary that somebody else changed while it starts is rolled back",
    planOf(),
    preparing("starting"),
    seen({ canary: changed }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "not what would be promoted: Deployment shop/reviews-v2 has the image v3",
  ],
  [
    "or put back, if the plan says so",
    put,
    preparing("starting"),
    seen({ canary: changed }),
    "nothing",
    "preparing/deploying",
    "canary-put-back",
    "deploying it again",
  ],
  [
    "one that is changed in a stage is rolled back, whatever its gates say",
    planOf(),
    baking(1, 20 * second),
    seen({ canary: changed, tally: counted(500, 0) }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "has the image v3",
  ],
  [
    "or gives its traffic back first and begins again, if the plan says so",
    put,
    baking(1, 20 * second),
    seen({ canary: changed }),
    "nothing",
    "preparing/returning",
    "canary-put-back",
    "from the beginning",
  ],
  [
    "a release that begins again gives stable everything first",
    put,
    preparing("returning"),
    seen(),
    "finish",
    "preparing/deploying",
    "beginning-again",
    "begins again",
  ],
  [
    "but it does not begin again for ever",
    put,
    baking(1, 20 * second),
    seen({ canary: changed, again: 2 }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "put back 2 times",
  ],
  [
    "nor by the journal alone that another job wrote, or somebody else",
    put,
    baking(1, 20 * second),
    seen({ canary: changed, taken: true }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "somebody else changed the canary, so",
  ],
  [
    "a canary that is changed before its next weight does not get it",
    planOf(),
    shifting(3, "routing"),
    seen({ canary: changed }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "has the image v3",
  ],
  [
    "nor does one that could not be looked at",
    planOf(),
    shifting(1, "routing"),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "looking-again",
    "looking again",
  ],
  [
    "a canary that is changed before stable gets its image is not promoted",
    update,
    promoting("updating"),
    seen({ canary: changed, stable: { ...healthy, untouched: true } }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "has the image v3",
  ],
  [
    "nor one that is changed before the roles are exchanged",
    planOf(),
    promoting("finishing"),
    seen({ canary: changed, stable: { ...healthy, untouched: true } }),
    "nothing",
    "rolling-back/returning",
    "canary-changed",
    "has the image v3",
  ],
  [
    "once stable is being changed the promotion goes on, with the image that was judged",
    update,
    promoting("updating"),
    seen({ canary: changed, stable: { ...healthy, untouched: false } }),
    "update-stable",
    "promoting/starting",
    "updating-stable",
    "stable gets",
  ],
  [
    "as it does when stable has no pod left to go back to",
    planOf(),
    promoting("finishing"),
    seen({ canary: changed, stable: { ...healthy, available: 0, untouched: true } }),
    "finish",
    "promoting/draining",
    "promoted",
    "new stable",
  ],
  [
    "a promotion waits for a look at what it promotes",
    update,
    promoting("updating"),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "looking-again",
    "looking again",
  ],
  [
    "a stable that does not run what was judged gets no traffic",
    update,
    promoting("starting", 1 * second),
    seen({ stable: { ...healthy, changed: "pod reviews-v1-x runs another digest" } }),
    "nothing",
    "failed/promoting",
    "stable-changed",
    "runs another digest. All traffic stays on the canary",
  ],
  [
    "a swap whose route somebody takes back while requests drain goes back, too",
    planOf(),
    promoting("draining", 1 * second),
    seen({ stable: asBefore, strayed: toBoth }),
    "nothing",
    "rolling-back/returning",
    "drift",
    "v1 90, v2 10",
  ],
  [
    "or puts it back, if the plan says so",
    put,
    promoting("draining", 1 * second),
    seen({ stable: asBefore, strayed: toBoth }),
    "finish",
    "promoting/draining",
    "put-back",
    "putting it back",
  ],
  [
    "but not for ever",
    put,
    { phase: "promoting", step: "retiring", since: now, putBacks: 2 },
    seen({ stable: asBefore, strayed: toBoth }),
    "nothing",
    "rolling-back/returning",
    "drift",
    "put back 2 times",
  ],
  [
    "a stable that gets requests keeps its pods, where there is no way back",
    planOf(),
    promoting("retiring"),
    seen({ stable: { ...healthy, untouched: false }, strayed: toBoth }),
    "nothing",
    "failed/promoting",
    "kept",
    "stable keeps its pods: v1 90, v2 10",
  ],
  [
    "one that gets none loses them, whatever else was changed",
    planOf(),
    promoting("retiring"),
    seen({ stable: { ...healthy, untouched: false }, strayed: { ...toBoth, serving: ["canary"] } }),
    "retire",
    "succeeded",
    "retiring",
    "scaling the old",
  ],
  [
    "a stable that is kept anyway loses nothing",
    planOf({ keepOld: true }),
    promoting("retiring"),
    seen({ stable: { ...healthy, untouched: false }, strayed: toBoth }),
    "retire",
    "succeeded",
    "retiring",
    "kept",
  ],
  [
    "the canary of an update keeps its pods while it gets requests",
    update,
    promoting("retiring"),
    seen({ stable: updated, strayed: toBoth }),
    "nothing",
    "failed/promoting",
    "kept",
    "the canary keeps its pods",
  ],
  [
    "no pod is taken after a look that failed",
    planOf(),
    promoting("retiring"),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "looking-again",
    "looking again",
  ],
  [
    "a canary that dies after a swap gives everything to a stable that is as it was",
    planOf(),
    promoting("draining", 1 * second),
    seen({ stable: asBefore, canary: { ...healthy, available: 0, because: "0 of 2" } }),
    "nothing",
    "rolling-back/returning",
    "pods-gone",
    "0 of 2",
  ],
  [
    "so does one that is being deleted, whatever image stable has by then",
    planOf(),
    promoting("retiring"),
    seen({ stable: { ...healthy, untouched: false }, canary: { ...healthy, ...terminating } }),
    "nothing",
    "rolling-back/returning",
    "canary-broken",
    "it is being deleted",
  ],
  [
    "but not to a stable that is being deleted, too: both keep what they have",
    planOf(),
    promoting("retiring"),
    seen({ stable: { ...asBefore, ...terminating }, canary: { ...healthy, ...terminating } }),
    "wait",
    "",
    "unserved",
    "it is being deleted",
  ],
  [
    "an updated stable that is being deleted takes no pods from the canary",
    update,
    promoting("retiring"),
    seen({ stable: { ...updated, ...terminating }, canary: healthy }),
    "wait",
    "",
    "unserved",
    "it is being deleted",
  ],
  [
    "nor does a rollback to a stable that is being deleted, whose pods answer until then",
    planOf(),
    rollingBack("retiring"),
    seen({ stable: { ...asBefore, ...terminating }, canary: healthy }),
    "wait",
    "",
    "unserved",
    "it is being deleted",
  ],
  [
    "a bad canary loses its requests all the same",
    planOf(),
    { ...rollingBack("returning"), reason: { kind: "canary-broken", pods: "it crashes" } },
    seen({ stable: { ...asBefore, ...terminating }, canary: healthy }),
    "finish",
    "rolling-back/draining",
    "canary-broken",
    "it crashes",
  ],
  [
    "as does one that crashes",
    planOf(),
    promoting("retiring"),
    seen({ stable: asBefore, canary: { ...healthy, fatal: "it crashes" } }),
    "nothing",
    "rolling-back/returning",
    "canary-broken",
    "it crashes",
  ],
  [
    "and one that dies before stable gets its image",
    update,
    promoting("updating"),
    seen({ stable: asBefore, canary: { ...healthy, available: 0, because: "0 of 2" } }),
    "nothing",
    "rolling-back/returning",
    "pods-gone",
    "0 of 2",
  ],
  [
    "but not to a stable that was scaled down already",
    planOf(),
    promoting("retiring"),
    seen({ stable: { ...asBefore, desired: 0 }, canary: { ...healthy, fatal: "it crashes" } }),
    "retire",
    "succeeded",
    "retiring",
    "scaling the old",
  ],
  [
    "a canary without pods does after a swap, whoever changed stable meanwhile: its pods answer",
    planOf(),
    promoting("draining", 1 * second),
    seen({ stable: updated, canary: dead }),
    "nothing",
    "rolling-back/returning",
    "pods-gone",
    "0 of 2",
  ],
  [
    "and so does one that no request reaches any more",
    planOf(),
    promoting("draining", 1 * second),
    seen({ stable: updated, canary: unreached }),
    "nothing",
    "rolling-back/returning",
    "unserved",
    "no request for the canary can be answered: no subset v2",
  ],
  [
    "a canary that only crashes now and then gives nothing to a stable that somebody else changed",
    planOf(),
    promoting("draining", 10 * second),
    seen({ stable: updated, canary: { ...healthy, fatal: "it crashes" } }),
    "nothing",
    "promoting/retiring",
    "drained",
    "had time",
  ],
  [
    "where no request reaches whoever was promoted, nor the other, nobody loses pods",
    planOf(),
    promoting("retiring", 1 * second),
    seen({ stable: unreached, canary: unreached }),
    "wait",
    "",
    "unserved",
    "no request for the canary can be answered: no subset v2",
  ],
  [
    "and somebody has to look when that does not change",
    planOf(),
    promoting("retiring", 30 * second),
    seen({ stable: unreached, canary: unreached }),
    "nothing",
    "failed/promoting",
    "unserved",
    "after 30s",
  ],
  [
    "nor does stable get an image then",
    update,
    promoting("updating"),
    seen({ stable: unreached, canary: unreached }),
    "wait",
    "",
    "unserved",
    "no subset v2",
  ],
  [
    "a canary that dies while stable gets the image gives its requests to the pods that stable has",
    update,
    promoting("starting", 1 * second),
    seen({ stable: { ...updated, ready: false, available: 1 }, canary: dead }),
    "route",
    "promoting/starting",
    "canary-lost",
    "stable, which is being updated, gets its requests",
  ],
  [
    "which keeps them, though they are not what was written last",
    update,
    promoting("starting", 1 * second),
    seen({ stable: { ...updated, ready: false, because: "1 of 2" }, canary: dead, strayed: toStable }),
    "wait",
    "",
    "stable-not-ready",
    "1 of 2",
  ],
  [
    "a stable that does not come up after such a canary is not said to leave anything on it",
    update,
    promoting("starting", 60 * second),
    seen({ stable: { ...updated, ...dead }, canary: dead, strayed: toStable }),
    "nothing",
    "failed/promoting",
    "unserved",
    "no request for stable can be answered: 0 of 2 pods are available, after 1m",
  ],
  [
    "a stage whose canary gets no request any more goes back",
    planOf(),
    baking(0, 1 * second),
    seen({ canary: unreached }),
    "nothing",
    "rolling-back/returning",
    "unserved",
    "no request for the canary can be answered: no subset v2",
  ],
  [
    "no stage passes while stable's requests get no answer",
    planOf(),
    baking(0, 20 * second),
    seen({ away: { words: "no subset v1", since: now - 29 * second } }),
    "wait",
    "",
    "unserved",
    "no request for stable can be answered: no subset v1",
  ],
  [
    "a bad canary goes back also then",
    planOf(),
    baking(0, 20 * second),
    seen({ away: { words: "no subset v1", since: now }, tally: counted(100, 50) }),
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    "50 of 100",
  ],
  [
    "and any when that lasts",
    planOf(),
    baking(0, 1 * second),
    seen({ away: { words: "no subset v1", since: now - 30 * second } }),
    "nothing",
    "rolling-back/returning",
    "unserved",
    "after 30s",
  ],
  [
    "nor does the canary get more requests then",
    planOf(),
    shifting(1, "routing"),
    seen({ away: { words: "no subset v1", since: now } }),
    "wait",
    "",
    "unserved",
    "no subset v1",
  ],
  [
    "unless it gets all of them, which ends that",
    planOf(),
    shifting(3, "routing"),
    seen({ away: { words: "no subset v1", since: now } }),
    "route",
    "promoting/finishing",
    "giving-weight",
    "100%",
  ],
  [
    "no weight goes to a canary that no request reaches",
    planOf(),
    shifting(0, "routing"),
    seen({ canary: unreached }),
    "nothing",
    "rolling-back/returning",
    "unserved",
    "no subset v2",
  ],
  [
    "one that is still waited for is waited for",
    planOf(),
    shifting(0, "filling", 1 * second),
    seen({ canary: unreached }),
    "wait",
    "",
    "canary-not-ready",
    "no subset v2",
  ],
  [
    "one that serves already, and loses its pods while it gets more, goes back at once",
    planOf(),
    shifting(1, "filling", 1 * second),
    seen({ canary: dead }),
    "nothing",
    "rolling-back/returning",
    "pods-gone",
    "0 of 2",
  ],
  [
    "the gates of the stage before are asked while pods start for the next weight",
    planOf(),
    shifting(1, "filling", 1 * second),
    seen({ canary: { ...healthy, ready: false }, tally: counted(100, 50) }),
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    "50 of 100",
  ],
  [
    "and those that do not ask the cluster when it cannot be read",
    planOf(),
    shifting(1, "filling", 1 * second),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now }, tally: counted(100, 50) }),
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    "50 of 100",
  ],
  [
    "a rollback gives nothing to a stable that no request reaches while the canary answers",
    planOf(),
    rollingBack("returning"),
    seen({ stable: { ...asBefore, ...unreached } }),
    "wait",
    "",
    "stable-away",
    "stable cannot answer, so the canary keeps its requests until it can: no subset v2",
  ],
  [
    "but where the canary is bad no request stays with it",
    planOf(),
    { ...rollingBack("returning"), reason: { kind: "canary-broken", pods: "it crashes" } },
    seen({ stable: { ...asBefore, ...unreached } }),
    "finish",
    "rolling-back/draining",
    "canary-broken",
    "it crashes",
  ],
  [
    "nor with one that turns out to be bad while it keeps them, whatever the release went back for",
    planOf(),
    rollingBack("returning", 5 * second),
    seen({ stable: { ...asBefore, ...unreached }, tally: counted(100, 60) }),
    "finish",
    "rolling-back/draining",
    "gate-failed",
    "60 of 100",
  ],
  [
    "nor with one whose pods die",
    planOf(),
    rollingBack("returning", 5 * second),
    seen({ stable: { ...asBefore, ...unreached }, canary: { ...healthy, fatal: "it crashes" } }),
    "finish",
    "rolling-back/draining",
    "canary-broken",
    "it crashes",
  ],
  [
    "one of which nothing is counted keeps them for as long as trouble is borne",
    planOf(),
    rollingBack("returning", 29 * second),
    seen({ stable: { ...asBefore, ...unreached }, uncounted: "Prometheus is away" }),
    "wait",
    "",
    "stable-away",
    "no subset v2",
  ],
  [
    "and no longer",
    planOf(),
    rollingBack("returning", 30 * second),
    seen({ stable: { ...asBefore, ...unreached }, uncounted: "Prometheus is away" }),
    "finish",
    "rolling-back/draining",
    "cancelled",
    "it was bad",
  ],
  [
    "an updated stable that dies gives its requests to the canary, which runs the same",
    update,
    promoting("draining", 1 * second),
    seen({ stable: { ...updated, available: 0, because: "0 of 2" } }),
    "nothing",
    "promoting/starting",
    "stable-lost",
    "0 of 2",
  ],
  [
    "and gets none while it starts, whoever sends it some",
    update,
    promoting("starting", 1 * second),
    seen({ stable: { ...updated, ready: false }, strayed: toBoth }),
    "route",
    "promoting/starting",
    "put-back",
    "putting it back",
  ],
  [
    "a rollback gives nothing to a stable without pods while the canary has some",
    planOf(),
    rollingBack("returning"),
    seen({ stable: { ...gone, desired: 2 } }),
    "wait",
    "",
    "stable-away",
    "0 of 2",
  ],
  [
    "but gives it the pods that it had, if somebody scaled it to 0",
    planOf(),
    rollingBack("returning"),
    seen({ stable: gone }),
    "revive",
    "rolling-back/returning",
    "reviving-stable",
    "its pods back",
  ],
  [
    "not for ever",
    planOf(),
    { ...rollingBack("returning"), putBacks: 2 },
    seen({ stable: gone }),
    "wait",
    "",
    "stable-away",
    "0 of 2",
  ],
  [
    "and says when no pod came",
    planOf(),
    rollingBack("returning", 60 * second),
    seen({ stable: { ...gone, desired: 2 } }),
    "nothing",
    "failed/rolling-back",
    "stable-away",
    "after 1m",
  ],
  [
    "it gets them while requests drain as well",
    planOf(),
    rollingBack("draining", 1 * second),
    seen({ stable: gone }),
    "revive",
    "rolling-back/draining",
    "reviving-stable",
    "its pods back",
  ],
  [
    "and before the canary's go, whether that has any or none",
    planOf(),
    rollingBack("retiring", 1 * second, false),
    seen({ stable: gone, canary: dead }),
    "revive",
    "rolling-back/retiring",
    "reviving-stable",
    "its pods back",
  ],
  [
    "and the canary's pods wait for them",
    planOf(),
    { ...rollingBack("retiring", 59 * second), putBacks: 1 },
    seen({ stable: { ...gone, desired: 2 } }),
    "wait",
    "",
    "unserved",
    "no request for stable can be answered: 0 of 2",
  ],
  [
    "but are put back at last where there are none to keep",
    planOf(),
    { ...rollingBack("retiring", 60 * second), putBacks: 1 },
    seen({ stable: { ...gone, desired: 2 }, canary: dead }),
    "restore",
    "rolled-back",
    "restoring",
    "putting the canary back",
  ],
  [
    "one that has any number of pods is left alone",
    planOf(),
    rollingBack("retiring", 1 * second),
    seen({ stable: { ...gone, desired: 1, available: 1 } }),
    "restore",
    "rolled-back",
    "restoring",
    "putting the canary back",
  ],
  [
    "where neither has pods the requests go where they belong",
    planOf(),
    rollingBack("returning"),
    seen({ stable: { ...gone, desired: 2 }, canary: { ...healthy, available: 0 } }),
    "finish",
    "rolling-back/draining",
    "cancelled",
    "it was bad",
  ],
  [
    "as they do where there was no stable before",
    planOf(),
    rollingBack("returning"),
    seen({ stable: { ...gone, had: undefined } }),
    "finish",
    "rolling-back/draining",
    "cancelled",
    "it was bad",
  ],
  [
    "a canary that somebody gives requests again after a rollback loses them again, whatever the policy",
    planOf(),
    rollingBack("draining", 1 * second),
    seen({ strayed: toBoth }),
    "finish",
    "rolling-back/draining",
    "put-back",
    "putting it back",
  ],
  [
    "but not for ever: then it keeps its pods",
    planOf(),
    { ...rollingBack("retiring"), putBacks: 2 },
    seen({ strayed: toBoth }),
    "nothing",
    "failed/rolling-back",
    "kept",
    "the canary keeps its pods",
  ],
  [
    "what gives the canary nothing does not stop a rollback",
    planOf(),
    rollingBack("retiring"),
    seen({ strayed: { ...toBoth, serving: ["stable"] } }),
    "restore",
    "rolled-back",
    "restoring",
    "putting the canary back",
  ],
  [
    "but a look that fails does, for a while",
    planOf(),
    rollingBack("retiring"),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "looking-again",
    "looking again",
  ],
  [
    "a refusal that lasts ends a release",
    planOf(),
    shifting(1, "routing"),
    seen({ trouble: { words: "the webhook says no", lasting: true, since: now } }),
    "nothing",
    "rolling-back/returning",
    "trouble",
    "webhook",
  ],
  [
    "a cluster that does not answer is borne for a while",
    planOf(),
    shifting(1, "routing"),
    seen({ trouble: { words: "no answer", lasting: false, since: now - 29 * second } }),
    "route",
    "baking/1",
    "giving-weight",
    "25%",
  ],
  [
    "but not for ever",
    planOf(),
    shifting(1, "routing"),
    seen({ trouble: { words: "no answer", lasting: false, since: now - 30 * second } }),
    "nothing",
    "rolling-back/returning",
    "trouble",
    "for 30s",
  ],
  [
    "a stage is not judged on half a look",
    planOf(),
    baking(0, 20 * second),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "looking-again",
    "looking again",
  ],
  [
    "a release that is late rolls back",
    planOf(),
    baking(0, 1 * second),
    seen({ deadlineAt: now }),
    "nothing",
    "rolling-back/returning",
    "late",
    "deadline of 1h",
  ],
  [
    "a cancelled job goes on while promoting",
    planOf(),
    promoting("finishing"),
    seen({ stop: "the job was cancelled" }),
    "finish",
    "promoting/draining",
    "promoted",
    "new stable",
  ],
  [
    "stable gets the image",
    update,
    promoting("updating"),
    seen(),
    "update-stable",
    "promoting/starting",
    "updating-stable",
    "stable gets",
  ],
  [
    "stable is waited for",
    update,
    promoting("starting", 1 * second),
    seen({ stable: { ...healthy, ready: false, because: "1 of 2" } }),
    "wait",
    "",
    "stable-not-ready",
    "1 of 2",
  ],
  [
    "a stable that does not come up leaves the traffic on the canary",
    update,
    promoting("starting", 60 * second),
    seen({ stable: { ...healthy, ready: false } }),
    "nothing",
    "failed/promoting",
    "stable-not-ready",
    "stays on the canary",
  ],
  [
    "a stable that is ready is made known to the mesh",
    update,
    promoting("starting"),
    seen({ stable: healthy }),
    "nothing",
    "promoting/settling",
    "stable-ready",
    "2 of 2",
  ],
  [
    "the mesh gets time to learn of stable's new pods",
    update,
    promoting("settling", 1 * second),
    seen(),
    "wait",
    "",
    "mesh-learning",
    "learns of the new pods",
  ],
  [
    "and then stable is given back",
    update,
    promoting("settling", 2 * second),
    seen(),
    "nothing",
    "promoting/finishing",
    "mesh-learnt",
    "waited for the mesh",
  ],
  [
    "then stable gets its traffic back",
    update,
    promoting("finishing"),
    seen(),
    "finish",
    "promoting/draining",
    "promoted",
    "gets all requests again",
  ],
  [
    "requests under way may finish",
    planOf(),
    promoting("draining", 9 * second),
    seen(),
    "wait",
    "",
    "draining",
    "may finish",
  ],
  [
    "then the loser goes",
    planOf(),
    promoting("retiring"),
    seen(),
    "retire",
    "succeeded",
    "retiring",
    "scaling the old version down",
  ],
  [
    "a rollback writes the weight first",
    planOf(),
    rollingBack("returning"),
    seen(),
    "finish",
    "rolling-back/draining",
    "cancelled",
    "it was bad",
  ],
  [
    "a canary that never had traffic needs no time to drain",
    planOf(),
    rollingBack("returning", 0, false),
    seen(),
    "finish",
    "rolling-back/retiring",
    "cancelled",
    "it was bad",
  ],
  [
    "then everything else goes back",
    planOf(),
    rollingBack("retiring"),
    seen(),
    "restore",
    "rolled-back",
    "restoring",
    "as it was",
  ],
  [
    "a rollback that fails is tried again for long",
    planOf(),
    rollingBack("returning"),
    seen({ trouble: { words: "no answer", lasting: false, since: now - 149 * second } }),
    "finish",
    "rolling-back/draining",
    "cancelled",
    "it was bad",
  ],
  [
    "a stage that had all traffic already leads to the promotion",
    planOf({ stages: [stageOf(50), stageOf(100)] }),
    baking(1, 20 * second),
    seen(),
    "nothing",
    "promoting/finishing",
    "stage-passed",
    "stage 100% passed",
  ],
  [
    "a stable whose pods cannot start is not waited for",
    update,
    promoting("starting"),
    seen({ stable: { ...healthy, ready: false, fatal: "quota exceeded" } }),
    "nothing",
    "failed/promoting",
    "stable-broken",
    "quota exceeded. All traffic stays on the canary",
  ],
  [
    "a stable whose pods could not be read is waited for",
    update,
    promoting("starting"),
    seen({ look: "failed", trouble: { words: "no answer", lasting: false, since: now } }),
    "wait",
    "",
    "stable-not-ready",
    "its pods could not be read",
  ],
  [
    "and then says that it could not",
    planOf(),
    rollingBack("returning"),
    seen({ trouble: { words: "no answer", lasting: false, since: now - 150 * second } }),
    "nothing",
    "failed/rolling-back",
    "trouble",
    "no answer",
  ],
];

for (const [name, plan, state, sight, done, leads, kind, because] of table) {
  test(`${state.phase}: ${name}`, () => {
    const decision = decided(plan, state, sight);
    const sentence = say(decision.reason);
    assert.equal(decision.do, done, sentence);
    assert.equal(decision.do === "wait" ? "" : placeOf(decision.next), leads);
    assert.equal(decision.reason.kind, kind);
    assert.ok(sentence.includes(because), sentence);
  });
}

function placeOf(state: State): string {
  if ("step" in state) return `${state.phase}/${state.step}`;
  if ("stage" in state) return `${state.phase}/${state.stage}`;
  return "during" in state ? `${state.phase}/${state.during}` : state.phase;
}

/** Polls as a healthy or a broken canary gives them, past the warm-up. */
const proven = (
  polls: number,
  canary: readonly [requests: number, errors: number],
  stable: readonly [requests: number, errors: number],
  lost = 0,
): Evidence => {
  const version = ([requests, errors]: readonly [number, number]) => ({ requests, errors, buckets: [] });
  return Array.from({ length: polls }, (_, index) => ({
    weight: 10,
    age: (10 + index) * 15 * second,
    from: (9 + index) * 15 * second,
    canary: version(canary),
    stable: version(stable),
    lost,
  })).reduce((evidence, poll) => addPoll(evidence, poll, defaults), noEvidence);
};
const sound = proven(8, [100, 1], [900, 9]);
const undecided = proven(2, [3, 0], [27, 0]);
const silent = proven(2, [0, 0], [30, 0]);
const bypassed = proven(12, [10, 0], [990, 0]);
const safe = proven(40, [200, 2], [1_800, 18]);
const oneMinute = proven(4, [75, 10], [675, 5]);
const broken = proven(2, [50, 25], [450, 0]);

const gated = (rules: Partial<EvidenceRules> = {}, stage: Partial<Stage> = {}): Plan =>
  planOf({
    stages: [stageOf(10, { gates: [{ kind: "evidence", name: "evidence" }], ...stage }), stageOf(50)],
    evidence: { ...evidenceRules, ...rules },
  });
const inStage = (plan: Plan, age: number, evidence: Evidence, more: Sight = {}): Decision =>
  decided(plan, baking(0, age), { evidence, ...more });

const endings: readonly (readonly [
  name: string,
  plan: Plan,
  age: number,
  evidence: Evidence,
  done: string,
  leads: string,
  kind: Reason["kind"],
  because: RegExp,
])[] = [
  [
    "a canary that is sound passes when its wait is over",
    gated(),
    20 * second,
    sound,
    "nothing",
    "shifting/scaling",
    "stage-passed",
    /passed/,
  ],
  ["and not before", gated(), 19 * second, sound, "wait", "", "stage-goes-on", /goes on/],
  [
    "where safety is asked for, one that is only sound is looked at longer",
    gated({ settings: { ...defaults, requires: "safe" } }),
    20 * second,
    sound,
    "wait",
    "",
    "stage-extended",
    /extended/,
  ],
  [
    "a canary that is safe ends a stage early, where the plan allows it",
    gated({ early: true }),
    5 * second,
    safe,
    "nothing",
    "shifting/scaling",
    "stage-passed",
    /passed/,
  ],
  [
    "one that is only sound does not",
    gated({ early: true }),
    5 * second,
    sound,
    "wait",
    "",
    "stage-goes-on",
    /goes on/,
  ],
  [
    "and one that is safe does not where the plan does not",
    gated(),
    5 * second,
    safe,
    "wait",
    "",
    "stage-goes-on",
    /goes on/,
  ],
  [
    "undecided evidence extends a stage",
    gated(),
    59 * second,
    undecided,
    "wait",
    "",
    "stage-extended",
    /extended: none of the canary's requests failed/,
  ],
  [
    "and then holds it",
    gated(),
    60 * second,
    undecided,
    "nothing",
    "waiting/0",
    "held",
    /held for somebody to decide: none of the canary's/,
  ],
  [
    "or holds it at once",
    gated({ inconclusive: "hold" }),
    20 * second,
    undecided,
    "nothing",
    "waiting/0",
    "held",
    /held/,
  ],
  [
    "or goes on, saying so",
    gated({ inconclusive: "promote" }),
    20 * second,
    undecided,
    "nothing",
    "shifting/scaling",
    "stage-passed",
    /undecided and goes on by the plan: none of the canary's/,
  ],
  [
    "or rolls back, saying so",
    gated({ inconclusive: "fail" }),
    20 * second,
    undecided,
    "nothing",
    "rolling-back/returning",
    "stage-undecided",
    /undecided, which fails by the plan: none of the canary's/,
  ],
  [
    "but not before its wait is over",
    gated({ inconclusive: "fail" }),
    19 * second,
    undecided,
    "wait",
    "",
    "stage-goes-on",
    /goes on/,
  ],
  [
    "no request at all is a matter of its own policy",
    gated({ inconclusive: "promote", noData: "hold" }),
    20 * second,
    silent,
    "nothing",
    "waiting/0",
    "held",
    /no request of the canary/,
  ],
  [
    "no request at all is looked for until the deadline",
    gated(),
    59 * second,
    silent,
    "wait",
    "",
    "stage-extended",
    /no request of the canary/,
  ],
  [
    "no request at all rolls back at the deadline: nobody could decide by anything",
    gated(),
    60 * second,
    silent,
    "nothing",
    "rolling-back/returning",
    "stage-not-judged",
    /could not be judged within 1m: .*no request of the canary/,
  ],
  [
    "a split that is proven wrong is held without an extension",
    gated(),
    20 * second,
    bypassed,
    "nothing",
    "waiting/0",
    "held",
    /bypass the route/,
  ],
  [
    "harm that one minute alone proves is looked at on until the deadline",
    gated(),
    59 * second,
    oneMinute,
    "wait",
    "",
    "stage-extended",
    /within one minute/,
  ],
  [
    "harm that one minute alone proves rolls back when no time is left to see another",
    gated(),
    60 * second,
    oneMinute,
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    /within one minute/,
  ],
  [
    "a canary that is broken is taken out at once",
    gated(),
    second,
    broken,
    "nothing",
    "rolling-back/returning",
    "gate-failed",
    /50% of the canary's requests failed \(50 of 100\)/,
  ],
];
for (const [name, plan, age, evidence, done, leads, kind, because] of endings) {
  test(`evidence: ${name}`, () => {
    const decision = inStage(plan, age, evidence);
    const sentence = say(decision.reason);
    assert.equal(decision.do, done, sentence);
    assert.equal(decision.do === "wait" ? "" : placeOf(decision.next), leads);
    assert.equal(decision.reason.kind, kind);
    assert.match(sentence, because);
  });
}

test("evidence: blind is not undecided: without Prometheus a stage rolls back at its deadline, whatever the policies", () => {
  const plan = gated({ inconclusive: "promote", noData: "promote" });
  assert.equal(inStage(plan, 59 * second, sound, { uncounted: "Prometheus did not answer" }).do, "wait");
  const late = inStage(plan, 60 * second, sound, { uncounted: "Prometheus did not answer" });
  assert.equal(late.do === "wait" ? "" : placeOf(late.next), "rolling-back/returning");
  assert.match(say(late.reason), /could not be judged within 1m: evidence has no data: Prometheus did not answer/);
});

test("evidence: a gate of one's own that waits keeps a stage open, and at the deadline it rolls back", () => {
  const plan = gated(
    { inconclusive: "promote" },
    { gates: [{ kind: "evidence", name: "evidence" }, ...stageOf(5).gates] },
  );
  const few = { tally: counted(3, 0) };
  assert.equal(inStage(plan, 20 * second, sound, few).do, "wait");
  const late = inStage(plan, 60 * second, sound, few);
  assert.equal(late.do === "wait" ? "" : placeOf(late.next), "rolling-back/returning");
});

test("evidence: failures that come while pods start for the next weight roll back", () => {
  const plan = gated();
  const decision = decided(plan, shifting(1, "filling"), { evidence: broken, canary: { ...healthy, ready: false } });
  assert.equal(decision.do === "wait" ? "" : placeOf(decision.next), "rolling-back/returning");
  assert.equal(
    decided(plan, shifting(1, "filling"), { evidence: sound, canary: { ...healthy, ready: false } }).do,
    "wait",
  );
});

test("budget: the next weight is at most what keeps the worst case within it, by a stage between", () => {
  const plan = gated({ budget: 0.005 });
  const decision = inStage(plan, 20 * second, sound);
  assert.ok(decision.do === "nothing" && decision.plan);
  const weights = decision.plan.stages.map(({ weight }) => weight);
  const [, between = 0] = weights;
  assert.deepEqual(weights, [10, largestWeight(sound, defaults, 0.005), 50]);
  assert.ok(between > 10 && between < 50, `${between}`);
  assert.equal(placeOf(decision.next), "shifting/scaling");
  assert.match(say(decision.reason), new RegExp(`next is ${between}% instead of 50%`));
  assert.equal(inStage(gated({ budget: 0.5 }), 20 * second, sound).plan, undefined); // 50% is bearable then
});

test("budget: a stage stays while no larger weight is bearable, and then is held", () => {
  const plan = gated({ budget: 0.0001 });
  const open = inStage(plan, 20 * second, sound);
  assert.equal(open.do, "wait");
  assert.match(say(open.reason), /at most \d% on the canary would surely be within it, and it has 10%/);
  const late = inStage(plan, 60 * second, sound);
  assert.equal(late.do === "wait" ? "" : placeOf(late.next), "waiting/0");
  assert.equal(inStage(gated({ budget: 0.0001, inconclusive: "promote" }), 20 * second, sound).do, "wait"); // no policy goes beyond a budget
});

test("a release that is given up after stable had its traffic back says so", () => {
  const trouble: Trouble = { words: "no answer", lasting: false, since: now - 150 * second };
  const ends = [
    [planOf(), rollingBack("returning"), false],
    [planOf(), rollingBack("draining"), true],
    [planOf(), rollingBack("retiring"), true],
    [planOf(), promoting("finishing"), false],
    [planOf(), promoting("retiring"), false],
    [update, promoting("finishing"), false],
    [update, promoting("draining"), true],
    [update, promoting("retiring"), true],
  ] as const;
  for (const [plan, state, returned] of ends) {
    const decision = decided(plan, state, { trouble });
    assert.ok(decision.do === "nothing" && decision.next.phase === "failed");
    assert.equal(decision.next.returned, returned, `${plan.promotion}: ${placeOf(state)}`);
  }
});

test("only a canary that may have had requests is given time to finish them", () => {
  for (const [state, served] of [
    [preparing("starting"), false],
    [shifting(0, "filling"), true],
    [baking(0, second), true],
  ] as const) {
    const decision = decided(planOf(), state, { stop: "the job was cancelled" });
    assert.ok(decision.do === "nothing" && decision.next.phase === "rolling-back");
    assert.equal(decision.next.served, served, placeOf(state));
  }
});

test("whoever gives the canary its requests again while stable starts writes what the next look compares with", () => {
  const plan = { ...update, testers: [{ headers: { "x-tester": { exact: "yes" } } }] };
  const state = promoting("starting", 1 * second);
  const starting = seen({ stable: { ...updated, ready: false }, strayed: toBoth });
  const decision = decide(plan, state, observed(state, starting));
  assert.ok(decision.do === "route", decision.do);
  assert.deepEqual(decision.to, trafficAt(plan, plan.stages.length));
  assert.deepEqual(decision.to.testers, plan.testers);
});

test("a decision on a look that belongs to another phase is refused", () => {
  const elsewhere = observed(preparing("starting"), {});
  for (const state of [shifting(0, "filling"), baking(0, second), promoting("starting"), rollingBack("draining")])
    assert.throws(() => decide(planOf(), state, elsewhere), RangeError);
});

test("the last words of a canary that died are told once the traffic is off", () => {
  const died: Health = { ...healthy, ready: false, because: "pod x: container app ended with exit code 1" };
  const drained = (reason: Reason, canary: Health): string => {
    const state: Running = { phase: "rolling-back", step: "draining", reason, served: true, since: now - 10 * second };
    const decision = decided(planOf(), state, { canary });
    assert.ok(decision.do === "nothing" && decision.next.phase === "rolling-back");
    return say(decision.next.reason);
  };
  const bad = { kind: "cancelled", words: "it was bad" } as const;
  assert.equal(drained(bad, died), "it was bad. Its pods later: pod x: container app ended with exit code 1");
  assert.equal(drained(bad, { ...died, fatal: "pod x: it crashes" }), "it was bad. Its pods later: pod x: it crashes");
  assert.equal(drained(bad, healthy), "it was bad");
  for (const reason of [
    { kind: "pods-gone", pods: `0 of 2 pods are available; ${died.because}` },
    { kind: "canary-broken", pods: died.because },
    { kind: "canary-not-ready", pods: died.because, after: 60 * second },
  ] as const)
    assert.equal(drained(reason, died), say(reason), "what they told already is not told again");
});

test("no wait is longer than a poll, or than the time to the next thing that happens", () => {
  const waits = table.flatMap(([, plan, state, sight]) => {
    const decision = decided(plan, state, sight);
    return decision.do === "wait" ? [{ plan, length: decision.until - now }] : [];
  });
  assert.ok(waits.length > 10, `${waits.length} waits`);
  for (const { plan, length } of waits)
    assert.ok(length > 0 && length <= Math.max(plan.pollEvery, plan.drain), `${length}`);
});

const rate = { kind: "json", name: "rate", every: second, atMost: 1, tolerate: 0, noData: "wait" } as const;

for (const [what, age, before, outcome] of [
  ["lets no stage end", 60, 50, "stage-extended"],
  ["is waited for beyond the deadline", 300, 299, "stage-extended"],
  ["counts when it came after the deadline, so that gates which take turns end", 330, 301, "stage-passed"],
] as const)
  test(`an old answer of a URL whose newer one is under way ${what}`, () => {
    const plan = planOf({ stages: [stageOf(5, { wait: 60 * second, deadline: 300 * second, gates: [rate] })] });
    const at = now - (age - before) * second;
    assert.equal(decided(plan, baking(0, age * second), { before: at }).reason.kind, outcome);
  });

for (const [age, outcome] of [
  [1, "stage-goes-on"],
  [2, "stage-extended"],
] as const)
  test(`a stage without a wait whose program begins when the mesh has had its 2s: after ${age}s it ${outcome}`, () => {
    const smoke = { kind: "run", name: "smoke", tolerate: 0, noData: "wait" } as const;
    const plan = planOf({ meshDelay: 2 * second, stages: [stageOf(0, { wait: 0, gates: [smoke] })] });
    assert.equal(decided(plan, baking(0, age * second), {}).reason.kind, outcome);
  });

import * as z from "zod/mini";
import { noBurst } from "../evidence/burst.ts";
import { grounds } from "../evidence/conclusion.ts";
import { noEvidence } from "../evidence/evidence.ts";
import { type Ledger, pollsOf } from "../evidence/ledger.ts";
import { byMetric } from "../evidence/metric.ts";
import { findings } from "../evidence/weigh.ts";
import { policies } from "./gate.ts";
import { labelMeanings } from "./kept-metrics.ts";
import type { Plan } from "./plan.ts";
import { routeKinds } from "./route-kind.ts";
import type { State } from "./state.ts";

/**
 * What a journal, or a report, may hold: the types of a release as a check of text from outside. Nothing in it is
 * believed before it has passed here. Its test lets the compiler hold it to `ReleaseRecord`, field by field.
 */
const text = z.string();
const number = z.number();
/** What a Date can be: sentences show them. */
export const instantSchema = z.number().check(z.gte(0), z.lte(8.64e15));
/** A length of time; a thousand years are enough for anybody, and a Date can be so far away. */
const length = z.number().check(z.gte(0), z.lte(3.2e13));
const whole = z.number().check(z.int(), z.gte(0));
const percent = z.number().check(z.int(), z.gte(0), z.lte(100));
const truth = z.boolean();
const optionalText = z.exactOptional(text);
const optionalNumber = z.exactOptional(number);
const optionalLength = z.exactOptional(length);
const atOnce = z.exactOptional(z.literal(true));
const texts = z.record(text, text);
const role = z.enum(["stable", "canary"]);
const noData = z.enum(["wait", "fail"]);
const policy = z.enum(policies);

const pair = z.object({ stable: number, canary: number });
const pairedCounts = z.object({ requests: pair, errors: pair, givenUp: pair, cutOff: pair });

const version = z.object({ deployment: text, host: text, subset: optionalText });

const target = z.object({
  namespace: text,
  service: text,
  stable: version,
  canary: version,
  routes: z.array(z.object({ kind: z.enum(routeKinds), namespace: text, name: text, routes: z.array(text) })),
  source: z.discriminatedUnion("from", [
    z.object({ from: z.literal("existing") }),
    z.object({ from: z.literal("clone"), labels: texts }),
    z.object({ from: z.literal("manifests"), objects: z.array(z.record(text, z.unknown())) }),
  ]),
  replicas: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("keep"), least: optionalNumber }),
    z.object({ kind: z.literal("count"), count: number }),
    z.object({ kind: z.literal("percent"), percent: number }),
    z.object({ kind: z.literal("by-weight"), least: optionalNumber }),
  ]),
  image: optionalText,
  container: z.exactOptional(z.union([text, z.array(text)])),
});

const asked = z.object({ config: optionalText, kubeconfig: optionalText, context: optionalText });

const metrics = z.object({
  source: z.exactOptional(z.literal("proxies")),
  url: text,
  login: truth,
  headers: z.array(text),
  reporter: z.enum(["auto", "source", "destination", "waypoint"]),
  interval: length,
  timeout: length,
  requests: text,
  durations: text,
  labels: z.record(z.enum(labelMeanings), text),
});

const ownLimits = { name: text, atMost: optionalNumber, atLeast: optionalNumber, tolerate: number, noData };

const gate = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("query"),
    ...ownLimits,
    query: text,
  }),
  z.object({ kind: z.literal("json"), ...ownLimits, every: length }),
  z.object({ kind: z.literal("run"), ...ownLimits, every: optionalLength }),
  z.object({
    kind: z.literal("errors"),
    name: text,
    atMost: optionalNumber,
    aboveStable: optionalNumber,
    minRequests: number,
    noData,
  }),
  z.object({
    kind: z.literal("latency"),
    name: text,
    quantile: number,
    atMost: optionalNumber,
    timesStable: optionalNumber,
    minRequests: number,
    noData,
  }),
  z.object({ kind: z.literal("restarts"), name: text, atMost: number }),
  z.object({ kind: z.literal("evidence"), name: text }),
]);

const settings = z.object({
  alpha: number,
  beta: number,
  allowedIncrease: number,
  minExcess: number,
  safeRatio: number,
  latencyMargin: number,
  slowFrom: number,
  slowerBy: z._default(number, 10),
  slowerByPart: z._default(number, 0.1),
  requires: z.enum(["safe", "sound"]),
  scrape: number,
  warmUp: number,
  objective: optionalNumber,
  breaker: z.object({ alpha: number, floor: number, timesStable: number }),
  split: z.object({ alpha: number, tolerance: number, atLeast: z.exactOptional(z.literal(true)) }),
  shares: z.object(byMetric(() => number)),
  dispersion: z.object({ kind: z.enum(["tempered", "beta-binomial"]), phi: number }),
  podSpread: z.exactOptional(
    z.object({ pods: number, errors: number, slow: z.array(z.object({ le: number, spread: number })) }),
  ),
  usual: optionalNumber,
  usualOf: optionalNumber,
  latencyPhi: number,
});

export const evidenceRulesSchema = z.object({
  settings,
  measured: truth,
  inconclusive: policy,
  noData: policy,
  holdFor: optionalNumber,
  early: truth,
  budget: optionalNumber,
});

const stage = z.object({
  name: text,
  weight: percent,
  wait: length,
  deadline: length,
  gates: z.array(gate),
  approval: truth,
  drill: z.exactOptional(z.union([z.object({ delay: length }), z.object({ abort: whole })])),
  mirror: z.exactOptional(percent),
});

const textMatches = z.record(
  text,
  z.union([z.object({ exact: text }), z.object({ prefix: text }), z.object({ regex: text })]),
);

const testers = z.object({
  headers: z.exactOptional(textMatches),
  cookies: z.exactOptional(textMatches),
  query: z.exactOptional(textMatches),
  method: optionalText,
  callers: z.exactOptional(texts),
});

export const planSchema = z.object({
  stages: z.array(stage),
  testers: z.exactOptional(z.array(testers)),
  affinity: z.exactOptional(z.object({ cookie: text, release: text })),
  evidence: evidenceRulesSchema,
  pollEvery: length,
  ready: length,
  meshDelay: length,
  confirm: z.exactOptional(z.enum(["proxies", "settle"])),
  drain: length,
  deadline: length,
  patience: length,
  promotion: z.enum(["swap", "update"]),
  keepOld: truth,
  keepFor: optionalNumber,
  drift: z.enum(["put-back", "rollback"]),
});

/** A logarithm of nothing is null: JSON has no infinity. */
const logE = z.nullable(number);

const conclusion = z.object({
  kind: z.enum(["fail", "pass", "inconclusive", "no-data"]),
  finding: z.enum(findings),
  by: z.enum(grounds),
  polls: number,
  seen: pairedCounts,
  judged: pairedCounts,
  split: z.object({ planned: number, requests: pair, lost: number }),
  slower: z.exactOptional(z.object({ than: number, slow: pair, requests: pair })),
  average: z.exactOptional(z.object({ requests: pair, means: pair })),
  elsewhere: z.exactOptional(z.object({ now: number, usual: number })),
  unanswered: z.exactOptional(
    z.object({
      ended: number,
      expected: number,
      stable: number,
      lasted: length,
      total: z.exactOptional(z.object({ now: number, usual: number })),
      waiting: optionalNumber,
    }),
  ),
  untimed: z.exactOptional(z.enum(["not-counted", "beyond-the-last-edge"])),
  missing: z.exactOptional(
    z.object({
      requests: optionalNumber,
      times: z.exactOptional(z.object({ of: role, counted: number, needed: number })),
    }),
  ),
  warmUpLeft: number,
  ratio: z.object({ low: optionalNumber, high: optionalNumber, estimate: optionalNumber }),
  weight: z.object({
    harm: logE,
    metrics: z.object(byMetric(() => logE)),
    safe: logE,
    sound: logE,
    breaker: logE,
    deserted: logE,
  }),
  bounds: z.object({
    alpha: number,
    beta: number,
    objective: optionalNumber,
    safeRatio: number,
    minExcess: number,
    breaker: settings.shape.breaker,
    split: settings.shape.split,
    dispersion: settings.shape.dispersion,
  }),
});

const missingCounters = z.object({ what: z.literal("counters"), words: text });
const missing = z.discriminatedUnion("what", [
  missingCounters,
  z.object({ what: z.literal("requests") }),
  z.object({ what: z.literal("response-times"), words: optionalText }),
  z.object({ what: z.literal("stable-response-times") }),
  z.object({ what: z.literal("answer"), words: text }),
  z.object({ what: z.literal("question") }),
  z.object({ what: z.literal("end") }),
  z.object({ what: z.literal("newer-answer") }),
]);

const responseTime = z.union([z.object({ atMost: number }), z.object({ above: number })]);

const ofErrors = { of: z.literal("errors"), allowed: optionalNumber, stable: optionalNumber };
const ofLatency = {
  of: z.literal("latency"),
  quantile: number,
  allowed: optionalNumber,
  stable: z.exactOptional(responseTime),
  requests: number,
};
const ofQuery = { of: z.enum(["query", "json"]), atLeast: optionalNumber, atMost: optionalNumber };
const ofRun = { of: z.literal("run"), atLeast: optionalNumber, atMost: optionalNumber };

const runFailure = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("exit"), code: whole }),
  z.object({ kind: z.literal("signal"), signal: text }),
  z.object({ kind: z.literal("limit"), after: length }),
]);

const responseTimes = z.object({ p50: responseTime, p99: responseTime });

const own = z.object({
  ...pairedCounts.shape,
  times: z.exactOptional(z.object({ stable: responseTimes, canary: responseTimes })),
  slow: z.exactOptional(z.object({ slow: pair, requests: pair })),
});

export const evidenceFiguresSchema = z.union([
  z.object({ of: z.literal("evidence"), missing: missingCounters }),
  z.object({ of: z.literal("evidence"), conclusion, own: z.exactOptional(own) }),
]);

const figures = z.union([
  evidenceFiguresSchema,
  z.object({ ...ofErrors, missing }),
  z.object({ ...ofErrors, requests: number, failed: number, needed: number }),
  z.object({ ...ofErrors, requests: number, failed: number, lost: number }),
  z.object({ ...ofLatency, missing, time: z.exactOptional(responseTime) }),
  z.object({ ...ofLatency, time: responseTime, needed: number }),
  z.object({ ...ofQuery, missing }),
  z.object({ ...ofQuery, value: number, outside: number, tolerated: number }),
  z.object({ ...ofRun, missing }),
  z.object({
    ...ofRun,
    value: optionalNumber,
    failure: z.exactOptional(runFailure),
    outside: number,
    tolerated: number,
  }),
  z.object({ of: z.literal("restarts"), restarts: number, allowed: number }),
  z.object({ of: z.literal("budget"), largest: number, weight: number }),
]);

/** Of a verdict everything but its figures. */
export const judgementSchema = z.object({
  gate: text,
  kind: z.enum(["pass", "wait", "fail", "no-data"]),
  policy: z.exactOptional(policy),
  proven: z.exactOptional(truth),
});

const verdict = z.object({ ...judgementSchema.shape, figures });

const passed = {
  stage: text,
  verdict: z.exactOptional(verdict),
  smaller: z.exactOptional(z.object({ weight: percent, planned: percent })),
};
const held = { stage: text, question: z.enum(["undecided", "no-data", "split", "budget"]), verdict };

/** Each kind of reason with its fields. What the pods told later may come with any of them. */
const reasonOf = <Kind extends string, Fields extends z.core.$ZodShape>(kind: Kind, fields: Fields) =>
  z.object({ kind: z.literal(kind), ...fields, lastWords: optionalText });

const reason = z.discriminatedUnion("kind", [
  reasonOf("measured", { words: text }),
  reasonOf("deploying", {}),
  reasonOf("canary-ready", { pods: text }),
  reasonOf("canary-not-ready", { pods: optionalText, after: optionalLength }),
  reasonOf("canary-broken", { pods: text }),
  reasonOf("mesh-learning", { left: length }),
  reasonOf("mesh-learnt", {}),
  reasonOf("proxies-learnt", {
    lesson: z.enum(["routes", "stable", "canary"]),
    at: instantSchema,
    after: length,
    gateways: whole,
    callers: whole,
    without: z.array(text),
    unread: whole,
    because: optionalText,
  }),
  reasonOf("making-room", { weight: percent, mirror: z.exactOptional(percent) }),
  reasonOf("giving-weight", { weight: percent, mirror: z.exactOptional(percent) }),
  reasonOf("stage-goes-on", { stage: text, left: length }),
  reasonOf("stage-extended", { stage: text, verdict }),
  reasonOf("stage-passed", passed),
  reasonOf("held", held),
  reasonOf("gate-failed", { verdict }),
  reasonOf("stage-not-judged", { stage: text, deadline: length, verdict }),
  reasonOf("stage-undecided", { stage: text, verdict }),
  reasonOf("pods-gone", { pods: text }),
  reasonOf("put-back", { differences: text }),
  reasonOf("drift", { differences: text, putBacks: whole }),
  reasonOf("canary-put-back", { differences: text }),
  reasonOf("beginning-again", {}),
  reasonOf("canary-changed", { differences: text, putBacks: whole }),
  reasonOf("updating-stable", { atOnce }),
  reasonOf("stable-ready", { pods: text }),
  reasonOf("stable-not-ready", { pods: optionalText, stuck: truth }),
  reasonOf("stable-broken", { pods: text }),
  reasonOf("stable-changed", { differences: text }),
  reasonOf("stable-lost", { pods: text }),
  reasonOf("canary-lost", { pods: text }),
  reasonOf("stable-away", { pods: text, after: optionalLength }),
  reasonOf("reviving-stable", {}),
  reasonOf("kept", { version: role, differences: text }),
  reasonOf("stranded", { version: role, by: text }),
  reasonOf("unserved", { version: role, words: text, after: optionalLength }),
  reasonOf("promoted", { winner: role, atOnce }),
  reasonOf("draining", { left: length }),
  reasonOf("drained", {}),
  reasonOf("undone", { deployment: text, image: optionalText }),
  reasonOf("retiring", { loser: role, kept: truth }),
  reasonOf("restoring", {}),
  reasonOf("trouble", { words: text, lasting: truth, lasted: optionalLength }),
  reasonOf("looking-again", { words: text }),
  reasonOf("trying-again", { words: text }),
  reasonOf("late", { deadline: length }),
  reasonOf("cancelled", { words: text }),
  reasonOf("job-ended", {}),
  reasonOf("left-half-way", {}),
  reasonOf("hold-over", { after: number }),
  reasonOf("rollback-wanted", { actor: optionalText }),
  reasonOf("undo-wanted", { deployment: text, image: optionalText, actor: optionalText }),
  reasonOf("approved", { actor: optionalText }),
  reasonOf("taken-up", { actor: optionalText }),
]);

const state = z.discriminatedUnion("phase", [
  z.object({
    phase: z.literal("preparing"),
    step: z.enum(["returning", "deploying", "starting", "settling"]),
    since: instantSchema,
    putBacks: optionalNumber,
  }),
  z.object({
    phase: z.literal("shifting"),
    step: z.enum(["scaling", "filling", "routing"]),
    stage: whole,
    since: instantSchema,
    putBacks: optionalNumber,
  }),
  z.object({ phase: z.literal("baking"), stage: whole, since: instantSchema, putBacks: whole }),
  z.object({
    phase: z.literal("waiting"),
    stage: whole,
    since: instantSchema,
    reason: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("stage-passed"), ...passed }),
      z.object({ kind: z.literal("held"), ...held }),
    ]),
  }),
  z.object({
    phase: z.literal("promoting"),
    step: z.enum(["updating", "starting", "settling", "finishing", "draining", "retiring"]),
    since: instantSchema,
    putBacks: optionalNumber,
  }),
  z.object({
    phase: z.literal("rolling-back"),
    step: z.enum(["returning", "draining", "retiring"]),
    reason,
    served: truth,
    since: instantSchema,
    putBacks: optionalNumber,
  }),
  z.object({ phase: z.literal("succeeded"), keptUntil: z.exactOptional(instantSchema) }),
  z.object({ phase: z.literal("rolled-back"), reason }),
  z.object({ phase: z.literal("failed"), during: z.enum(["promoting", "rolling-back"]), returned: truth, reason }),
]);

const count = z.object({
  requests: number,
  errors: number,
  givenUp: optionalNumber,
  cutOff: optionalNumber,
  buckets: z.array(z.object({ le: number, count: number })),
  took: optionalNumber,
});

const stageRecord = z.object({
  stage: whole,
  name: text,
  weight: percent,
  since: instantSchema,
  until: z.exactOptional(instantSchema),
  verdicts: z.array(verdict),
  polls: number,
  tally: z.object({ stable: count, canary: count, unattributed: count }),
  served: z.exactOptional(pair),
  outputs: z.exactOptional(texts),
});

const build = z.object({
  image: optionalText,
  replicaSet: optionalText,
  digests: z.record(text, z.array(text)),
});

const mixture = z.object({ logs: z.array(number), rests: z.array(number) });

const excess = z.object({ above: number, requests: number });
const ending = z.object({ harm: mixture, excess });
const burst = z.object({
  recent: z.array(z.object({ age: number, before: number, bad: number, shared: z._default(truth, true) })),
  most: number,
  until: number,
});
const bursts = z.object(byMetric(() => burst));
const none = () => ({ ...noBurst, recent: [] });
const noBursts = () => byMetric(none);

const evidence = z.object({
  polls: number,
  age: number,
  joined: z._default(z.object({ at: number, warmUp: number }), () => ({ at: 0, warmUp: 0 })),
  seen: pairedCounts,
  judged: pairedCounts,
  harm: mixture,
  bursts: z._default(bursts, noBursts),
  safe: mixture,
  harmless: mixture,
  ratio: mixture,
  objective: mixture,
  breaker: mixture,
  collapse: z._default(mixture, () => ({ logs: [...noEvidence.collapse.logs], rests: [...noEvidence.collapse.rests] })),
  sound: mixture,
  deserted: mixture,
  excess,
  givenUp: ending,
  cutOff: ending,
  split: z.object({
    weight: optionalNumber,
    since: number,
    from: z.exactOptional(number),
    requests: pair,
    lost: number,
    waiting: optionalNumber,
    earlier: z.object({ more: number, less: number }),
  }),
  silence: z.object({ stable: number, from: optionalNumber, takes: number }),
  latency: z.object({
    profile: z.object({ requests: number, slower: z.array(z.object({ le: number, count: number })) }),
    edges: z.exactOptional(z.array(z.object({ le: number, mixture, requests: pair, slow: pair }))),
    means: z.exactOptional(
      z.object({
        open: z.object({ requests: pair, took: pair, weight: number }),
        all: z.object({ requests: pair, took: pair }),
        excess,
        mixture,
        beyond: z.array(z.object({ le: number, slow: pair })),
      }),
    ),
  }),
});

export const ledgerSchema = z.object({
  folded: z.exactOptional(evidence),
  edges: z.array(z.array(number)),
  polls: z.array(text),
});

function isReadable(ledger: Ledger): boolean {
  try {
    pollsOf(ledger);
    return true;
  } catch {
    return false;
  }
}

export const recordSchema = z
  .object({
    version: z.literal(1),
    target,
    exchanged: z.exactOptional(truth),
    undoes: z.exactOptional(z.object({ startedAt: instantSchema, image: optionalText })),
    asked: z.exactOptional(asked),
    metrics: z.exactOptional(metrics),
    plan: planSchema,
    run: z.object({ id: text, url: optionalText, actor: optionalText }),
    startedAt: instantSchema,
    before: z.object({
      routes: z.unknown(),
      workloads: z.unknown(),
      bystanders: z.optional(z.array(text)),
      image: optionalText,
    }),
    state,
    stages: z.array(stageRecord),
    log: z.array(z.object({ at: instantSchema, do: text, reason, times: z.exactOptional(whole) })),
    ledger: ledgerSchema,
    judged: z.exactOptional(build),
    replaced: optionalText,
    again: z.exactOptional(whole),
  })
  .check(
    z.refine(({ ledger }) => isReadable(ledger), { path: ["ledger", "polls"] }),
    z.refine(({ plan, state }) => isInPlan(plan, state), { path: ["state", "stage"] }),
    z.refine(({ plan, stages }) => stages.every(({ stage }) => stage < plan.stages.length), { path: ["stages"] }),
  );

/** After the last stage a release goes on to all the traffic. */
function isInPlan({ stages }: Pick<Plan, "stages">, state: State): boolean {
  if (!("stage" in state)) return true;
  if (state.phase === "shifting") return state.stage <= stages.length;
  return state.stage < stages.length;
}

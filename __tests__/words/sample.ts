import assert from "node:assert/strict";
import { noEvidence } from "../../src/evidence/evidence.ts";
import { emptyLedger } from "../../src/evidence/ledger.ts";
import type { Count, Tally } from "../../src/evidence/tally.ts";
import type { Account } from "../../src/release/account.ts";
import type { Gate } from "../../src/release/gate.ts";
import { judge } from "../../src/release/judge.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import type { Passed, Reason } from "../../src/release/reason.ts";
import type { LogEntry, StageRecord } from "../../src/release/release-record.ts";
import type { Target } from "../../src/release/target.ts";
import type { Links } from "../../src/words/links.ts";
import { evidenceRules } from "../support/evidence-rules.ts";
import { shopTarget } from "../support/shop-target.ts";

const second = 1_000;
const minute = 60 * second;

/** The moment at which every sample begins. */
export const start = Date.UTC(2026, 0, 31, 12, 0, 0);

export const gates: readonly Gate[] = [
  { kind: "errors", name: "errors", atMost: 0.01, minRequests: 50, noData: "wait" },
  { kind: "latency", name: "latency", quantile: 0.99, timesStable: 1.5, minRequests: 50, noData: "wait" },
  { kind: "restarts", name: "restarts", atMost: 0 },
];

const stage = (weight: number, wait: number, approval = false): Stage => ({
  name: `${weight}%`,
  weight,
  wait,
  deadline: wait + 10 * minute,
  gates,
  approval,
});

export const plan: Plan = {
  stages: [stage(10, 2 * minute), stage(25, 5 * minute), stage(50, 5 * minute)],
  evidence: evidenceRules,
  pollEvery: 15 * second,
  ready: 5 * minute,
  meshDelay: 2 * second,
  drain: 30 * second,
  deadline: 60 * minute,
  patience: 60 * second,
  promotion: "swap",
  keepOld: false,
  drift: "rollback",
};

export const target: Target = {
  ...shopTarget,
  image: "ghcr.io/acme/reviews:1.4.0",
};

export const links: Links = {
  workflow: "https://github.com/acme/shop/actions/workflows/release.yaml",
  dashboards: {
    Grafana: "https://grafana.example.com/d/istio?var-namespace={namespace}&var-workload={canary}&from={from}&to={to}",
    Kiali: "https://kiali.example.com/console/namespaces/{namespace}/services/{service}",
  },
};

/** Requests of one version, the slower half of them in the second bucket. */
const counted = (requests: number, errors: number, fast: number): Count => ({
  requests,
  errors,
  buckets: [
    { le: fast, count: Math.ceil(requests / 2) },
    { le: fast * 2, count: requests },
    { le: Number.POSITIVE_INFINITY, count: requests },
  ],
});

export const tallyOf = (stable: readonly [number, number], canary: readonly [number, number]): Tally => ({
  stable: counted(...stable, 50),
  canary: counted(...canary, 50),
  unattributed: { requests: 0, errors: 0, buckets: [] },
});

export const healthy = { ready: true, desired: 2, available: 2, restarts: 0, because: "2 of 2 pods are available" };

/** What the gates say of a tally: the real judgement, so that reports are tested with the words that users get. */
export function entered(index: number, since: number, tally: Tally, until?: number): StageRecord {
  const { weight, name } = plan.stages[index] ?? stage(0, 0);
  const verdicts = gates.map((gate) => ({
    gate: gate.name,
    ...judge(
      gate,
      { counts: { tally }, evidence: noEvidence, readings: new Map(), canary: healthy, early: false },
      evidenceRules,
    ),
  }));
  return { stage: index, name, weight, since, verdicts, polls: 0, tally, until };
}

const at = (offset: number, what: string, reason: Reason): LogEntry => ({ at: start + offset, do: what, reason });

const passed25: Passed = { kind: "stage-passed", stage: "25%" };
const badStage = entered(1, start + 131 * second, tallyOf([181, 0], [60, 12]), start + 161 * second);
const failing: Reason = { kind: "gate-failed", verdict: badStage.verdicts[0] ?? assert.fail() };
const cannotPull: Reason = {
  kind: "canary-broken",
  pods: 'pod reviews-v2-5d4f9c-x2x1z: container reviews cannot start: ImagePullBackOff: Back-off pulling image "ghcr.io/acme/reviews:1.4.0"',
};
const stuck: Reason = { kind: "stable-not-ready", pods: "1 of 3 pods is available", stuck: true };
const noAnswer: Reason = {
  kind: "trouble",
  words:
    "the API server at https://10.0.0.1:6443 did not answer PATCH /apis/networking.istio.io/v1/namespaces/shop/virtualservices/reviews",
  lasting: false,
  lasted: 5 * minute,
};
const forbidden = (verb: string): Reason => ({
  kind: "trouble",
  words: `deployments.apps "reviews-v2" is forbidden: the service account may not ${verb} it`,
  lasting: true,
  lasted: minute,
});

const begun: readonly LogEntry[] = [
  at(0, "deploy", { kind: "deploying" }),
  at(9 * second, "nothing", { kind: "canary-ready", pods: "2 of 2 pods are available" }),
  at(9 * second, "scale", { kind: "making-room", weight: 10 }),
  at(10 * second, "route", { kind: "giving-weight", weight: 10 }),
];
const ten: readonly LogEntry[] = [
  at(130 * second, "nothing", { kind: "stage-passed", stage: "10%" }),
  at(130 * second, "scale", { kind: "making-room", weight: 25 }),
  at(131 * second, "route", { kind: "giving-weight", weight: 25 }),
];

const firstStage = entered(0, start + 10 * second, tallyOf([2_161, 2], [239, 0]), start + 130 * second);
const secondStage = entered(1, start + 131 * second, tallyOf([4_512, 4], [1_488, 1]), start + 431 * second);
const thirdStage = entered(2, start + 432 * second, tallyOf([3_007, 3], [2_993, 2]), start + 732 * second);

export const base: Account = {
  target,
  replacedImage: "ghcr.io/acme/reviews:1.3.9",
  plan,
  run: { id: "17", url: "https://github.com/acme/shop/actions/runs/17", actor: "ada" },
  startedAt: start,
  now: start,
  state: { phase: "preparing", step: "deploying", since: start },
  reason: { kind: "deploying" },
  weight: 0,
  stages: [],
  log: [],
  ledger: emptyLedger,
  warnings: [],
};

const second2 = entered(1, start + 131 * second, tallyOf([909, 1], [291, 0]));

const running: Account = {
  ...base,
  now: start + 191 * second,
  state: { phase: "baking", stage: 1, since: start + 131 * second, putBacks: 0 },
  reason: { kind: "stage-goes-on", stage: "25%", left: 4 * minute },
  weight: 25,
  stages: [firstStage, second2],
  log: [...begun, ...ten],
  warnings: [
    "Deployment shop/reviews-v1 is owned by Argo CD (Application shop): it may undo what the promotion does to it.",
  ],
};

const kept = {
  kind: "kept",
  version: "canary",
  differences:
    'VirtualService shop/reviews route "primary": reviews-v1 45, reviews-v2 55 instead of reviews-v1 100, reviews-v2 0, written by argocd-controller',
} as const;
const unserved = {
  kind: "unserved",
  version: "canary",
  words: "no DestinationRule in namespace shop has the subset v2, which the routes name",
  after: 60 * second,
} as const;
const stranded: Reason = {
  kind: "stranded",
  version: "stable",
  by: 'VirtualService shop/late: route "front" sends 100% of its requests to reviews subset v1',
};
const away: Reason = { kind: "stable-away", pods: "0 of 3 pods are available", after: 300 * second };

/** Every moment that a report has to be good at, by the name of its golden file. */
const notAllowed = 'PUT …/configmaps/istio-canary-reviews: configmaps "istio-canary-reviews" is forbidden';

export const samples: Readonly<Record<string, Account>> = {
  running,
  "going-the-other-way": {
    ...running,
    target: { ...target, stable: target.canary, canary: target.stable },
    exchanged: true,
    cluster: { context: "prod-eu-1", host: "10.0.0.1:6443" },
  },
  "succeeded-swap": {
    ...base,
    now: start + 764 * second,
    state: { phase: "succeeded" },
    reason: { kind: "retiring", loser: "stable", kept: false },
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [
      ...begun,
      ...ten,
      at(732 * second, "finish", { kind: "promoted", winner: "canary" }),
      at(763 * second, "retire", { kind: "retiring", loser: "stable", kept: false }),
    ],
    settled: true,
    differences: [],
  },
  "succeeded-kept": {
    ...base,
    plan: { ...plan, keepOld: true, keepFor: 30 * minute },
    now: start + 764 * second,
    state: { phase: "succeeded", keptUntil: start + 764 * second + 30 * minute },
    reason: { kind: "retiring", loser: "stable", kept: true },
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, at(732 * second, "finish", { kind: "promoted", winner: "canary" })],
    settled: true,
    differences: [],
  },
  "succeeded-update": {
    ...base,
    plan: { ...plan, promotion: "update" },
    target: {
      ...target,
      canary: { deployment: "reviews-v1-canary", host: "reviews", subset: "canary" },
      source: { from: "clone", labels: { version: "canary" } },
    },
    now: start + 790 * second,
    state: { phase: "succeeded" },
    reason: { kind: "retiring", loser: "canary", kept: false },
    weight: 0,
    stages: [firstStage, secondStage, thirdStage],
    log: [
      ...begun,
      ...ten,
      at(732 * second, "update-stable", { kind: "updating-stable" }),
      at(759 * second, "finish", { kind: "promoted", winner: "stable" }),
      at(790 * second, "retire", { kind: "retiring", loser: "canary", kept: false }),
    ],
    settled: true,
    differences: [],
  },
  undone: {
    ...base,
    target: { ...target, stable: target.canary, canary: target.stable, image: "ghcr.io/acme/reviews:1.3.9" },
    exchanged: true,
    undoes: { startedAt: start - 60 * minute, image: "ghcr.io/acme/reviews:1.4.0" },
    plan: { ...plan, stages: [] },
    now: start + 21 * second,
    state: { phase: "succeeded" },
    reason: { kind: "undone", deployment: "reviews-v1", image: "ghcr.io/acme/reviews:1.3.9" },
    weight: 100,
    log: [
      at(0, "begin", {
        kind: "undo-wanted",
        deployment: "reviews-v1",
        image: "ghcr.io/acme/reviews:1.3.9",
        actor: "ada",
      }),
      at(0, "deploy", { kind: "deploying" }),
      at(9 * second, "nothing", { kind: "canary-ready", pods: "2 of 2 pods are available" }),
      at(10 * second, "route", { kind: "giving-weight", weight: 100 }),
      at(10 * second, "finish", { kind: "promoted", winner: "canary", atOnce: true }),
    ],
    settled: true,
    differences: [],
  },
  "undo-given-up": {
    ...base,
    target: { ...target, stable: target.canary, canary: target.stable, image: "ghcr.io/acme/reviews:1.3.9" },
    exchanged: true,
    undoes: { startedAt: start - 60 * minute, image: "ghcr.io/acme/reviews:1.4.0" },
    plan: { ...plan, stages: [] },
    now: start + 34 * second,
    state: { phase: "rolled-back", reason: cannotPull },
    reason: cannotPull,
    log: [at(0, "deploy", { kind: "deploying" }), at(34 * second, "restore", { kind: "restoring" })],
    settled: true,
    differences: [],
  },
  "rolled-back-errors": {
    ...base,
    now: start + 192 * second,
    state: { phase: "rolled-back", reason: failing },
    reason: failing,
    weight: 0,
    stages: [firstStage, badStage],
    log: [
      ...begun,
      ...ten,
      at(161 * second, "nothing", failing),
      at(161 * second, "finish", failing),
      at(192 * second, "restore", { kind: "restoring" }),
    ],
    settled: true,
    differences: [],
  },
  "never-started": {
    ...base,
    now: start + 34 * second,
    state: {
      phase: "rolled-back",
      reason: cannotPull,
    },
    reason: cannotPull,
    log: [at(0, "deploy", { kind: "deploying" }), at(34 * second, "restore", { kind: "restoring" })],
    settled: true,
    differences: [],
  },
  waiting: {
    ...base,
    asked: { config: ".github/canary.yaml", context: "prod-eu-1" },
    plan: { ...plan, stages: [stage(10, 2 * minute), stage(25, 5 * minute, true), stage(50, 5 * minute)] },
    now: start + 431 * second,
    state: { phase: "waiting", stage: 1, since: start + 431 * second, reason: passed25 },
    reason: passed25,
    weight: 25,
    stages: [firstStage, secondStage],
    log: [...begun, ...ten, at(431 * second, "nothing", passed25)],
    settled: true,
    differences: [],
  },
  "failed-promoting": {
    ...base,
    plan: { ...plan, promotion: "update" },
    now: start + 1_032 * second,
    state: {
      phase: "failed",
      during: "promoting",
      returned: false,
      reason: stuck,
    },
    reason: stuck,
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(732 * second, "update-stable", { kind: "updating-stable" })],
    settled: false,
    differences: ["Deployment shop/reviews-v1: 1 of 3 pods is available"],
  },
  "failed-rolling-back": {
    ...base,
    asked: { config: "it's/canary.yaml", kubeconfig: "prod.kubeconfig" },
    now: start + 500 * second,
    state: {
      phase: "failed",
      during: "rolling-back",
      returned: false,
      reason: noAnswer,
    },
    reason: noAnswer,
    weight: 25,
    stages: [firstStage, badStage],
    log: [...begun, ...ten, at(161 * second, "nothing", failing)],
    settled: false,
    differences: [],
  },
  "failed-promoting-at-the-end": {
    ...base,
    plan: { ...plan, promotion: "update" },
    now: start + 1_032 * second,
    state: {
      phase: "failed",
      during: "promoting",
      returned: true,
      reason: forbidden("delete"),
    },
    reason: forbidden("delete"),
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(732 * second, "update-stable", { kind: "updating-stable" })],
    settled: false,
    differences: ["Deployment shop/reviews-v2 is still there"],
  },
  "failed-rolling-back-at-the-end": {
    ...base,
    now: start + 500 * second,
    state: {
      phase: "failed",
      during: "rolling-back",
      returned: true,
      reason: forbidden("patch"),
    },
    reason: forbidden("patch"),
    stages: [firstStage, badStage],
    log: [...begun, ...ten, at(161 * second, "nothing", failing)],
    settled: false,
    differences: [],
  },
  unsaved: {
    ...base,
    now: start + 220 * second,
    state: { phase: "rolled-back", reason: failing },
    reason: failing,
    stages: [firstStage, badStage],
    log: [
      ...begun,
      ...ten,
      at(161 * second, "nothing", failing),
      at(161 * second, "finish", failing),
      at(192 * second, "restore", { kind: "restoring" }),
      { ...at(192 * second, "retry", { kind: "trying-again", words: notAllowed }), times: 57 },
    ],
    settled: false,
    differences: [],
    unsaved: notAllowed,
  },
  "failed-kept": {
    ...base,
    plan: { ...plan, promotion: "update" },
    now: start + 1_032 * second,
    state: { phase: "failed", during: "promoting", returned: true, reason: kept },
    reason: kept,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(732 * second, "update-stable", { kind: "updating-stable" })],
    settled: false,
    differences: [kept.differences],
  },
  "failed-stranded": {
    ...base,
    now: start + 764 * second,
    state: { phase: "failed", during: "promoting", returned: false, reason: stranded },
    reason: stranded,
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(763 * second, "finish", { kind: "promoted", winner: "canary" })],
    settled: false,
    differences: [],
  },
  "failed-without-stable": {
    ...base,
    now: start + 500 * second,
    state: { phase: "failed", during: "rolling-back", returned: false, reason: away },
    reason: away,
    weight: 25,
    stages: [firstStage, badStage],
    log: [...begun, ...ten, at(161 * second, "nothing", failing)],
    settled: false,
    differences: ["Deployment shop/reviews-v1: 0 of 3 pods are available"],
  },
  "failed-unserved": {
    ...base,
    now: start + 1_032 * second,
    state: { phase: "failed", during: "promoting", returned: false, reason: unserved },
    reason: unserved,
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(732 * second, "finish", { kind: "promoted", winner: "canary" })],
    settled: false,
    differences: [unserved.words],
  },
  "waiting-unserved": {
    ...base,
    plan: { ...plan, stages: [stage(10, 2 * minute), stage(25, 5 * minute, true), stage(50, 5 * minute)] },
    now: start + 431 * second,
    state: { phase: "waiting", stage: 1, since: start + 431 * second, reason: passed25 },
    reason: passed25,
    weight: 25,
    stages: [firstStage, secondStage],
    log: [...begun, ...ten, at(431 * second, "nothing", passed25)],
    settled: false,
    differences: [unserved.words],
  },
  "not-settled": {
    ...base,
    now: start + 764 * second,
    state: { phase: "succeeded" },
    reason: { kind: "retiring", loser: "stable", kept: false },
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(763 * second, "retire", { kind: "retiring", loser: "stable", kept: false })],
    settled: false,
    differences: [
      "Deployment shop/reviews-v1 has 3 replicas instead of 0: its HorizontalPodAutoscaler reviews-v1 set them again",
    ],
  },
};

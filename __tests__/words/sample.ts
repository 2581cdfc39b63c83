import { emptyLedger } from "../../src/evidence/ledger.ts";
import type { Count, Tally } from "../../src/evidence/tally.ts";
import type { Account } from "../../src/release/account.ts";
import type { Gate } from "../../src/release/gate.ts";
import { judge } from "../../src/release/judge.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
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
  name: `${weight} %`,
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
  settle: 2 * second,
  drain: 30 * second,
  deadline: 60 * minute,
  patience: 60 * second,
  promotion: "swap",
  keepOld: false,
  drift: "roll-back",
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
    ...judge(gate, { tally, readings: new Map(), canary: healthy }, evidenceRules),
  }));
  return { stage: index, name, weight, since, verdicts, polls: 0, tally, ...(until === undefined ? {} : { until }) };
}

const at = (offset: number, what: string, because: string): LogEntry => ({ at: start + offset, do: what, because });

const begun: readonly LogEntry[] = [
  at(0, "deploy", "deploying the canary"),
  at(9 * second, "nothing", "the canary is ready: 2 of 2 pods are available"),
  at(9 * second, "scale", "making room for 10 % on the canary"),
  at(10 * second, "route", "giving the canary 10 % of the requests"),
];
const ten: readonly LogEntry[] = [
  at(130 * second, "nothing", "stage 10 % passed"),
  at(130 * second, "scale", "making room for 25 % on the canary"),
  at(131 * second, "route", "giving the canary 25 % of the requests"),
];

const firstStage = entered(0, start + 10 * second, tallyOf([2_161, 2], [239, 0]), start + 130 * second);
const secondStage = entered(1, start + 131 * second, tallyOf([4_512, 4], [1_488, 1]), start + 431 * second);
const thirdStage = entered(2, start + 432 * second, tallyOf([3_007, 3], [2_993, 2]), start + 732 * second);

export const base: Account = {
  target,
  plan,
  run: { id: "17", url: "https://github.com/acme/shop/actions/runs/17", actor: "ada" },
  startedAt: start,
  now: start,
  state: { phase: "preparing", step: "deploying", since: start },
  because: "deploying the canary",
  weight: 0,
  stages: [],
  log: [],
  ledger: emptyLedger,
  warnings: [],
};

const second2 = entered(1, start + 131 * second, tallyOf([909, 1], [291, 0]));

/** Every moment that a report has to be good at, by the name of its golden file. */
export const samples: Readonly<Record<string, Account>> = {
  running: {
    ...base,
    now: start + 191 * second,
    state: { phase: "baking", stage: 1, since: start + 131 * second, putBacks: 0 },
    because: "stage 25 % goes on for 4 m",
    weight: 25,
    stages: [firstStage, second2],
    log: [...begun, ...ten],
    warnings: [
      "Deployment shop/reviews-v1 is owned by Argo CD (Application shop): it may undo what the promotion does to it.",
    ],
  },
  "succeeded-swap": {
    ...base,
    now: start + 764 * second,
    state: { phase: "succeeded" },
    because: "scaling the old version down",
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [
      ...begun,
      ...ten,
      at(732 * second, "finish", "every stage passed: the canary is the new stable"),
      at(763 * second, "retire", "scaling the old version down"),
    ],
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
    because: "removing the canary",
    weight: 0,
    stages: [firstStage, secondStage, thirdStage],
    log: [
      ...begun,
      ...ten,
      at(732 * second, "update-stable", "every stage passed: stable gets the new image"),
      at(759 * second, "finish", "stable runs the new image: giving its traffic back"),
      at(790 * second, "retire", "removing the canary"),
    ],
    settled: true,
    differences: [],
  },
  "rolled-back-errors": {
    ...base,
    now: start + 192 * second,
    state: { phase: "rolled-back", because: "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %" },
    because: "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %",
    weight: 0,
    stages: [firstStage, entered(1, start + 131 * second, tallyOf([181, 0], [60, 12]), start + 161 * second)],
    log: [
      ...begun,
      ...ten,
      at(161 * second, "nothing", "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %"),
      at(161 * second, "finish", "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %"),
      at(192 * second, "restore", "putting the canary back as it was"),
    ],
    settled: true,
    differences: [],
  },
  "never-started": {
    ...base,
    now: start + 34 * second,
    state: {
      phase: "rolled-back",
      because:
        'pod reviews-v2-5d4f9c-x2x1z: container reviews cannot start: ImagePullBackOff: Back-off pulling image "ghcr.io/acme/reviews:1.4.0"',
    },
    because:
      'pod reviews-v2-5d4f9c-x2x1z: container reviews cannot start: ImagePullBackOff: Back-off pulling image "ghcr.io/acme/reviews:1.4.0"',
    log: [at(0, "deploy", "deploying the canary"), at(34 * second, "restore", "putting the canary back as it was")],
    settled: true,
    differences: [],
  },
  waiting: {
    ...base,
    plan: { ...plan, stages: [stage(10, 2 * minute), stage(25, 5 * minute, true), stage(50, 5 * minute)] },
    now: start + 431 * second,
    state: { phase: "waiting", stage: 1, since: start + 431 * second },
    because: "stage 25 % passed",
    weight: 25,
    stages: [firstStage, secondStage],
    log: [...begun, ...ten, at(431 * second, "nothing", "stage 25 % passed")],
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
      because:
        "stable is not ready with the new image: 1 of 3 pods is available. All traffic stays on the canary, which passed every stage",
    },
    because:
      "stable is not ready with the new image: 1 of 3 pods is available. All traffic stays on the canary, which passed every stage",
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(732 * second, "update-stable", "every stage passed: stable gets the new image")],
    settled: false,
    differences: ["Deployment shop/reviews-v1: 1 of 3 pods is available"],
  },
  "failed-rolling-back": {
    ...base,
    now: start + 500 * second,
    state: {
      phase: "failed",
      during: "rolling-back",
      returned: false,
      because:
        "the API server at https://10.0.0.1:6443 did not answer PATCH /apis/networking.istio.io/v1/namespaces/shop/virtualservices/reviews, for 5 m",
    },
    because:
      "the API server at https://10.0.0.1:6443 did not answer PATCH /apis/networking.istio.io/v1/namespaces/shop/virtualservices/reviews, for 5 m",
    weight: 25,
    stages: [firstStage, entered(1, start + 131 * second, tallyOf([181, 0], [60, 12]), start + 161 * second)],
    log: [...begun, ...ten, at(161 * second, "nothing", "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %")],
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
      because: 'deployments.apps "reviews-v2" is forbidden: the service account may not delete it, for 1 m',
    },
    because: 'deployments.apps "reviews-v2" is forbidden: the service account may not delete it, for 1 m',
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(732 * second, "update-stable", "every stage passed: stable gets the new image")],
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
      because: 'deployments.apps "reviews-v2" is forbidden: the service account may not patch it, for 1 m',
    },
    because: 'deployments.apps "reviews-v2" is forbidden: the service account may not patch it, for 1 m',
    stages: [firstStage, entered(1, start + 131 * second, tallyOf([181, 0], [60, 12]), start + 161 * second)],
    log: [...begun, ...ten, at(161 * second, "nothing", "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %")],
    settled: false,
    differences: [],
  },
  "not-settled": {
    ...base,
    now: start + 764 * second,
    state: { phase: "succeeded" },
    because: "scaling the old version down",
    weight: 100,
    stages: [firstStage, secondStage, thirdStage],
    log: [...begun, ...ten, at(763 * second, "retire", "scaling the old version down")],
    settled: false,
    differences: [
      "Deployment shop/reviews-v1 has 3 replicas instead of 0: its HorizontalPodAutoscaler reviews-v1 set them again",
    ],
  },
};

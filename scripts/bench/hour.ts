import { setFlagsFromString } from "node:v8";
import { evidenceRules } from "../../__tests__/support/evidence-rules.ts";
import { noRespondents } from "../../__tests__/support/respondents.ts";
import { shopTarget as target } from "../../__tests__/support/shop-target.ts";
import { deploymentWorkload } from "../../src/adapters/deployment/deployment-workload.ts";
import { captureWorkloads } from "../../src/adapters/deployment/workloads-before.ts";
import { configMapJournal } from "../../src/adapters/kubernetes/config-map-journal.ts";
import { connect } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { prometheus } from "../../src/adapters/prometheus/prometheus.ts";
import { virtualServiceFamily } from "../../src/adapters/virtual-service/virtual-service-family.ts";
import { run } from "../../src/engine/run.ts";
import { emptyLedger } from "../../src/evidence/ledger.ts";
import { istioMetrics } from "../../src/istio/istio-metrics.ts";
import { fenceBy } from "../../src/ports/fence.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { initial } from "../../src/release/state.ts";
import { allRoutes } from "../../src/routes/routes.ts";
import type { Clock } from "../../src/world/clock.ts";

// hour.ts: the child of memory.ts.

setFlagsFromString("--optimize-for-size"); // as the program's entry does

const { API = "", TOKEN = "", CA = "", PROMETHEUS = "" } = process.env;
const second = 1_000;
const plan: Plan = {
  stages: [
    {
      name: "10%",
      weight: 10,
      wait: 3_600 * second,
      deadline: 7_200 * second,
      gates: [
        { kind: "evidence", name: "evidence" },
        { kind: "restarts", name: "restarts", atMost: 0 },
      ],
      approval: false,
    },
  ],
  evidence: { ...evidenceRules, noData: "promote" },
  pollEvery: 15 * second,
  ready: 300 * second,
  meshDelay: 0,
  drain: 0,
  deadline: 7_200 * second,
  patience: 60 * second,
  promotion: "swap",
  keepOld: true,
  drift: "rollback",
};

const client = connect(nodeWorld(), {
  server: API,
  authorize: async () => ({ headers: { authorization: `Bearer ${TOKEN}` }, tls: { ca: CA } }),
});
let now = Date.now();
let looks = 0;
const clock: Clock = {
  ...nodeClock,
  now: () => now,
  sleepUntil: async (at: number): Promise<void> => {
    now = Math.max(now, at);
    looks++;
  },
};
const moving = allRoutes([
  virtualServiceFamily({ client, clock: nodeClock, subsetLabels: () => async () => undefined }),
]);
const [routes, workloads] = await Promise.all([moving.capture(target), captureWorkloads(client, target, Math.random)]);
const record: ReleaseRecord = {
  version: 1,
  target,
  plan,
  run: { id: "bench" },
  startedAt: now,
  before: { routes, workloads },
  state: initial(now),
  stages: [],
  log: [],
  ledger: emptyLedger,
};
const never = new AbortController().signal;
const journal = configMapJournal(client, "shop", "reviews");
const fence = fenceBy(journal, clock);
const { state } = await run(
  record,
  {
    router: moving.router(target, routes, fence),
    workload: deploymentWorkload({ client, target, before: workloads, keepOld: true, clock, fence }),
    respondents: noRespondents,
    bystanders: { strandedWithout: async () => [] },
    metrics: prometheus({
      network: nodeWorld(),
      url: PROMETHEUS,
      headers: {},
      timeout: 5 * second,
      ...istioMetrics,
      reporter: "source",
      interval: 15 * second,
      target,
    }).watch(),
    journal,
    reporter: { report: () => {}, flush: async () => {} },
    clock,
  },
  { stop: never, lost: never, deadlineAt: Number.POSITIVE_INFINITY, warnings: () => [] },
);
if (state.phase !== "succeeded") throw new Error(`the release ended ${JSON.stringify(state)}`);
process.send?.({ looks, megabytes: process.memoryUsage.rss() / 1e6 });
process.disconnect();

import assert from "node:assert/strict";
import type { Account } from "../../src/release/account.ts";
import type { LogEntry } from "../../src/release/release-record.ts";
import type { State } from "../../src/release/state.ts";
import { entered, samples, start, tallyOf } from "./sample.ts";

const running = samples.running ?? assert.fail();

/** The accounts of a short release, as an engine reports them: before each step is done, with what is true afterwards. */
export function tale(): readonly Account[] {
  const told: Account[] = [];
  let log: readonly LogEntry[] = [];
  let stages: Account["stages"] = [];
  const step = (
    seconds: number,
    what: string,
    because: string,
    state: State,
    weight: number,
    more: Partial<Account> = {},
  ): void => {
    const now = start + seconds * 1_000;
    if (what !== "wait") log = [...log, { at: now, do: what, because }];
    stages = more.stages ?? stages;
    told.push({ ...running, now, because, state, weight, log, warnings: [], ...more, stages });
  };
  const at = (seconds: number): number => start + seconds * 1_000;

  step(0, "deploy", "deploying the canary", { phase: "preparing", step: "starting", since: at(0) }, 0);
  step(
    1,
    "wait",
    "the canary is not ready: 0 of 2 pods are available",
    { phase: "preparing", step: "starting", since: at(0) },
    0,
  );
  step(
    32,
    "wait",
    "the canary is not ready: 1 of 2 pods are available",
    { phase: "preparing", step: "starting", since: at(0) },
    0,
  );
  step(
    39,
    "nothing",
    "the canary is ready: 2 of 2 pods are available",
    { phase: "shifting", step: "scaling", stage: 0, since: at(39) },
    0,
  );
  step(
    40,
    "route",
    "giving the canary 10 % of the requests",
    { phase: "baking", stage: 0, since: at(40), putBacks: 0 },
    10,
    {
      stages: [entered(0, at(40), tallyOf([0, 0], [0, 0]))],
      warnings: ["Argo CD owns Deployment shop/reviews-v1"],
    },
  );
  for (const seconds of [55, 70, 85, 100]) {
    const requests = seconds - 40;
    step(seconds, "wait", "stage 10 % goes on", { phase: "baking", stage: 0, since: at(40), putBacks: 0 }, 10, {
      stages: [entered(0, at(40), tallyOf([requests * 18, 1], [requests * 2, 0]))],
    });
  }
  step(160, "nothing", "stage 10 % passed", { phase: "shifting", step: "scaling", stage: 1, since: at(160) }, 10, {
    stages: [entered(0, at(40), tallyOf([2_161, 2], [239, 0]), at(160))],
  });
  const first = stages[0] ?? assert.fail();
  step(
    161,
    "route",
    "giving the canary 25 % of the requests",
    { phase: "baking", stage: 1, since: at(161), putBacks: 0 },
    25,
    {
      stages: [first, entered(1, at(161), tallyOf([0, 0], [0, 0]))],
    },
  );
  const why = "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %";
  step(
    191,
    "nothing",
    why,
    { phase: "rolling-back", step: "returning", because: why, served: true, since: at(191) },
    25,
    {
      stages: [first, entered(1, at(161), tallyOf([181, 0], [60, 12]), at(191))],
    },
  );
  step(191, "finish", why, { phase: "rolling-back", step: "draining", because: why, served: true, since: at(191) }, 0);
  step(
    221,
    "nothing",
    "requests under way had time to finish",
    { phase: "rolling-back", step: "retiring", because: why, served: true, since: at(221) },
    0,
  );
  step(222, "restore", "putting the canary back as it was", { phase: "rolled-back", because: why }, 0);
  told.push({ ...(told.at(-1) ?? assert.fail()), because: why, settled: true, differences: [] });
  return told;
}

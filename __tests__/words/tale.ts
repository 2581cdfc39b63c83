import assert from "node:assert/strict";
import type { Account } from "../../src/release/account.ts";
import type { Reason } from "../../src/release/reason.ts";
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
    reason: Reason,
    state: State,
    weight: number,
    more: Partial<Account> = {},
  ): void => {
    const now = start + seconds * 1_000;
    if (what !== "wait") log = [...log, { at: now, do: what, reason }];
    stages = more.stages ?? stages;
    told.push({ ...running, now, reason, state, weight, log, warnings: [], ...more, stages });
  };
  const at = (seconds: number): number => start + seconds * 1_000;

  step(0, "deploy", { kind: "deploying" }, { phase: "preparing", step: "starting", since: at(0) }, 0);
  step(
    1,
    "wait",
    { kind: "canary-not-ready", pods: "0 of 2 pods are available" },
    { phase: "preparing", step: "starting", since: at(0) },
    0,
  );
  step(
    32,
    "wait",
    { kind: "canary-not-ready", pods: "1 of 2 pods are available" },
    { phase: "preparing", step: "starting", since: at(0) },
    0,
  );
  step(
    39,
    "nothing",
    { kind: "canary-ready", pods: "2 of 2 pods are available" },
    { phase: "shifting", step: "scaling", stage: 0, since: at(39) },
    0,
  );
  step(
    40,
    "route",
    { kind: "giving-weight", weight: 10 },
    { phase: "baking", stage: 0, since: at(40), putBacks: 0 },
    10,
    {
      stages: [entered(0, at(40), tallyOf([0, 0], [0, 0]))],
      warnings: ["Argo CD owns Deployment shop/reviews-v1"],
    },
  );
  for (const seconds of [55, 70, 85, 100]) {
    const requests = seconds - 40;
    step(
      seconds,
      "wait",
      { kind: "stage-goes-on", stage: "10%", left: at(160) - at(seconds) },
      { phase: "baking", stage: 0, since: at(40), putBacks: 0 },
      10,
      {
        stages: [entered(0, at(40), tallyOf([requests * 18, 1], [requests * 2, 0]))],
      },
    );
  }
  step(
    160,
    "nothing",
    { kind: "stage-passed", stage: "10%" },
    { phase: "shifting", step: "scaling", stage: 1, since: at(160) },
    10,
    {
      stages: [entered(0, at(40), tallyOf([2_161, 2], [239, 0]), at(160))],
    },
  );
  const first = stages[0] ?? assert.fail();
  step(
    161,
    "route",
    { kind: "giving-weight", weight: 25 },
    { phase: "baking", stage: 1, since: at(161), putBacks: 0 },
    25,
    {
      stages: [first, entered(1, at(161), tallyOf([0, 0], [0, 0]))],
    },
  );
  const bad = entered(1, at(161), tallyOf([181, 0], [60, 12]), at(191));
  const why: Reason = { kind: "gate-failed", verdict: bad.verdicts[0] ?? assert.fail() };
  step(
    191,
    "nothing",
    why,
    { phase: "rolling-back", step: "returning", reason: why, served: true, since: at(191) },
    25,
    {
      stages: [first, bad],
    },
  );
  step(191, "finish", why, { phase: "rolling-back", step: "draining", reason: why, served: true, since: at(191) }, 0);
  step(
    221,
    "nothing",
    { kind: "drained" },
    { phase: "rolling-back", step: "retiring", reason: why, served: true, since: at(221) },
    0,
  );
  step(222, "restore", { kind: "restoring" }, { phase: "rolled-back", reason: why }, 0);
  told.push({ ...(told.at(-1) ?? assert.fail()), reason: why, settled: true, differences: [] });
  return told;
}

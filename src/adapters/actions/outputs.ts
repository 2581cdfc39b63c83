import { setOutput } from "@actions/core";
import { inert } from "../../lib/lines.ts";
import type { Reporter } from "../../ports/reporter.ts";
import type { Account } from "../../release/account.ts";
import { knownImage } from "../../release/known-image.ts";
import { isRunning } from "../../release/state.ts";
import { commandNow } from "../../words/command-now.ts";
import type { Notice } from "../../words/notice.ts";
import { observedSplit } from "../../words/observed-split.ts";
import { planAnswer } from "../../words/plan-answer.ts";
import { leastTime, type PlannedRelease } from "../../words/plan-text.ts";
import { say } from "../../words/say.ts";
import { clusterWord } from "../../words/scene-setting.ts";

/** The outputs of the action, as action.yml lists them. */
export const outputNames = {
  outcome:
    "How the release ended: succeeded, rolled-back, waiting (for an approval, or held until somebody decides) or failed. Empty while it runs, and for the other commands.",
  phase: "Where the release is: preparing, shifting, baking, waiting, promoting, rolling-back, or its outcome.",
  stage: "Number of the newest stage, from 1. Empty before the first.",
  weight: "The canary's planned share of the requests, in percent.",
  image: "The image that is released, or would be. Empty while nobody knows it.",
  cluster: "Name of the cluster: the kubeconfig's context, else the host of the API server.",
  errors: "Of plan: how many findings would refuse the release.",
  findings: "Of plan: JSON, everything that was found, as plan --json has it.",
  duration: "Of plan: how long the release would take at least, in seconds.",
  "failed-requests": "How many requests of the canary failed, in all stages.",
  "observed-split":
    'JSON, requests counted in the newest stage: {"stable":75.9,"canary":24.1,"requests":{"stable":759,"canary":241}}. Empty when none was counted.',
  because: "Why the release is where it is, in one sentence.",
  settled:
    "true when nothing of the release is left half-way and the cluster was read and is as it should be, by the word of both steps; false when something was read that is not. Empty when nobody has read that, such as after a refusal.",
  "next-command":
    "What a person would run next, such as promote of a release that waits, or undo of one that succeeded. Empty when there is nothing to do.",
  "comment-url": "Address of the comment on the pull request.",
  report: "Path of the JSON report.",
  logs: "Path of the folder with the last lines of the canary's pods, where it was given up and they are kept.",
} as const satisfies Readonly<Record<string, string>>;

export type OutputName = keyof typeof outputNames;

/** For the action's second step alone: this job has begun nothing. */
type ForSecondStep = "refused";

export type Outputs = Reporter & {
  readonly notice: (notice: Notice) => Promise<void>;
  readonly set: (name: OutputName | ForSecondStep, value: string) => void;
};

/**
 * Writes to GITHUB_OUTPUT as the release goes on: outputs count even when the step fails, and the last one of a name
 * wins. `report` is the path of the JSON report. What cannot be written goes to `failed`, and changes nothing else: the
 * exit code says how it ended.
 */
export function outputs(report: string, failed: (error: unknown) => void): Outputs {
  const written = new Map<OutputName | ForSecondStep, string>();

  function set(name: OutputName | ForSecondStep, value: string): void {
    if (written.get(name) === value) return;
    try {
      setOutput(name, value);
      written.set(name, value);
    } catch (error) {
      failed(error);
    }
  }

  return {
    set,
    report(account) {
      for (const [name, value] of outputsOf(account)) set(name, value);
      set("report", report);
    },
    async notice(notice) {
      if (notice.kind === "planned") for (const [name, value] of outputsOfPlan(notice.planned)) set(name, value);
    },
    flush: async () => {},
  };
}

function outputsOfPlan(planned: PlannedRelease): readonly (readonly [OutputName, string])[] {
  const { image = "", cluster, findings } = planAnswer(planned);
  return [
    ["errors", String(findings.filter(({ level }) => level === "refuse").length)],
    ["findings", JSON.stringify(findings)],
    ["duration", String(leastTime(planned.plan) / 1_000)],
    ["image", image],
    ["cluster", clusterWord(cluster)],
  ];
}

function outputsOf(account: Account): readonly (readonly [OutputName, string])[] {
  const { state, stages, weight, reason } = account;
  const newest = stages.at(-1);
  const observed = newest && observedSplit(newest);
  return [
    ["phase", state.phase],
    ["stage", newest ? String(newest.stage + 1) : ""],
    ["weight", String(weight)],
    ["image", knownImage(account) ?? ""],
    ["cluster", clusterWord(account.cluster)],
    ["failed-requests", String(stages.reduce((sum, { tally }) => sum + tally.canary.errors, 0))],
    ["observed-split", observed ? JSON.stringify(observed) : ""],
    ["because", inert(say(reason, account))],
    ["next-command", commandNow(account) ?? ""],
    ["outcome", isRunning(state) ? "" : state.phase],
    ["settled", settledWord(account)],
    ["logs", account.logs?.folder ?? ""],
  ];
}

/** Nothing, where the action's second step has to find out: it reads and saves again, and tries a failed rollback again. */
function settledWord({ state, settled, unread, unsaved }: Account): string {
  const isOpen = unread || unsaved !== undefined || (state.phase === "failed" && state.during === "rolling-back");
  if (settled === undefined || (!settled && isOpen)) return "";
  return String(settled);
}

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { dump } from "js-yaml";
import { type CompositeRun, startComposite } from "../../../sandbox/composite/composite.ts";
import { type Bed, testFolder } from "./bed.ts";
import { processesWith } from "./processes.ts";

/** The action as a step of a workflow, run as GitHub's runner runs it. */
export type Step = CompositeRun & {
  /** What its inner steps have printed so far. */
  readonly said: () => string;
  /** Processes of the step that live, also those whose parent is gone. */
  readonly processes: () => readonly number[];
};

/** Starts the composite action of this repository on the bed, with a configuration and nothing of this process's environment. */
export function startStep(bed: Bed, name: string, config: object): Step {
  const folder = testFolder(bed, `step-${name}-${process.pid}`);
  writeFileSync(join(folder, "canary.yaml"), dump(config));
  const job = `${name}-${process.pid}`;
  let said = "";
  const run = startComposite({
    action: process.cwd(),
    cwd: folder,
    with: { config: "canary.yaml", comment: "false" },
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      KUBECONFIG: bed.kubeconfig,
      GITHUB_RUN_ID: job,
      GITHUB_RUN_ATTEMPT: "1",
      GITHUB_JOB: "release",
    },
    output: (text) => (said += text),
  });
  return { ...run, said: () => said, processes: () => processesWith(`GITHUB_RUN_ID=${job}`) };
}

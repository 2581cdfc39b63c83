import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bed, testFolder } from "./bed.ts";
import { type Ended, run } from "./kubectl.ts";

export type WorkflowRun = {
  /** The work tree: the workflows in its `.github/workflows` are run, and `uses: ./` means its action. */
  readonly folder: string;
  /** The file in `.github/workflows`. */
  readonly workflow: string;
  readonly event?: string;
  /** What GitHub sends with the event: `github.event`. */
  readonly payload?: object;
  /** Inputs of a `workflow_dispatch`. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Environment of every step, GITHUB_API_URL and GITHUB_REPOSITORY among it. */
  readonly environment?: Readonly<Record<string, string>>;
};

/**
 * Runs a workflow by act on this machine, without containers and without the internet. act hands its whole environment
 * on to the steps, so it gets none but what is named here. It copies the work tree at `actions/checkout`, which has to
 * be the first step where `uses: ./` is used, and ends a cancelled step with SIGKILL at once.
 */
export function runWorkflow(
  bed: Bed,
  {
    folder,
    workflow,
    event = "workflow_dispatch",
    payload = {},
    inputs = {},
    secrets = {},
    environment = {},
  }: WorkflowRun,
): Promise<Ended> {
  const pairs = (flag: string, values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  const machine = [
    "-P",
    "ubuntu-latest=-self-hosted",
    "--container-daemon-socket",
    "-",
    "--no-cache-server",
    "--action-offline-mode",
  ];
  const eventFile = join(testFolder(bed, "events"), `${workflow}.json`);
  writeFileSync(eventFile, JSON.stringify(payload));
  const args = [
    event,
    "-e",
    eventFile,
    "-C",
    folder,
    "-W",
    `.github/workflows/${workflow}`,
    ...machine,
    ...pairs("--input", inputs),
    ...pairs("--secret", secrets),
    ...pairs("--env", environment),
  ];
  // A runner has a Node on its PATH; this machine's own may be too old for the action.
  return run(bed.programs.act, args, { HOME: bed.work, PATH: `${dirname(process.execPath)}:${process.env.PATH}` });
}

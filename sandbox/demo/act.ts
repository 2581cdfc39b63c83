import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Instant } from "../../src/lib/duration.ts";
import { type CompositeResult, startComposite } from "../composite/composite.ts";
import { jobEnvironment } from "../job.ts";
import type { Sandbox } from "../sandbox.ts";
import { type Inputs, routeIn } from "../shop.ts";
import type { Counts, Traffic } from "../traffic.ts";
import { workflowInputs } from "../workflow-inputs.ts";
import { writtenObjects } from "../written-objects.ts";
import { byLine, shownLine } from "./runner-log.ts";
import type { Screen } from "./screen.ts";

/** Where the demo takes place. */
export type Stage = {
  readonly sandbox: Sandbox;
  readonly traffic: Traffic;
  readonly screen: Screen;
  /** The folder with action.yml, and the job's working directory. */
  readonly action: string;
  readonly workspace: string;
  readonly kubeconfig: string;
  /** Somebody presses Ctrl-C: the running job is cancelled. */
  readonly cancelled: AbortSignal;
};

/** One release, and what was seen of it from outside. */
export type Act = {
  readonly result: CompositeResult;
  readonly before: Objects;
  readonly after: Objects;
  /** Requests of the customers while it went on, and in the moment after it. */
  readonly counts: Counts;
  readonly afterwards: Counts;
  /** When the route's last change was written. */
  readonly routedAt: Instant | undefined;
};

type Objects = ReturnType<typeof writtenObjects>;

/** Runs the built action as a runner would, with customers in the shop. */
export async function act(
  stage: Stage,
  { runId, sha, inputs }: { readonly runId: string; readonly sha: string; readonly inputs: Inputs },
): Promise<Act> {
  const { sandbox, traffic, screen, cancelled } = stage;
  const before = writtenObjects(sandbox, "shop");
  let routedAt: Instant | undefined;
  let route = routeIn(sandbox.api.store);
  sandbox.api.store.subscribe(() => {
    if (route === routeIn(sandbox.api.store)) return;
    route = routeIn(sandbox.api.store);
    routedAt = Date.now();
  });
  await traffic.lap();

  const run = startComposite({
    action: stage.action,
    cwd: stage.workspace,
    with: workflowInputs(inputs),
    env: { ...jobEnvironment(sandbox, stage.kubeconfig, { runId, sha }), PATH: pathWithNode() },
    output: byLine((line) => {
      const shown = shownLine(line);
      if (shown !== undefined) screen.print(shown);
    }),
  });
  cancelled.addEventListener("abort", run.cancel, { once: true });
  const result = await run.done;
  cancelled.removeEventListener("abort", run.cancel);

  await sandbox.gateway.refresh(); // proxies take up a change within a moment
  const counts = await traffic.lap();
  await enough(traffic, cancelled);
  return { result, before, after: writtenObjects(sandbox, "shop"), counts, afterwards: await traffic.lap(), routedAt };
}

/** The launcher takes the Node on the PATH, as setup-node leaves it there. */
const pathWithNode = (): string => [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter);

const enoughRequests = 50;

async function enough(traffic: Traffic, cancelled: AbortSignal): Promise<void> {
  while (traffic.counts().requests < enoughRequests && !cancelled.aborted)
    await new Promise((resolve) => setTimeout(resolve, 100));
}

export const isBuilt = (action: string): boolean => existsSync(join(action, "dist/index.js"));

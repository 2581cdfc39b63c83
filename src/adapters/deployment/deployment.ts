import { chooseContainer, type Deployment, readDeployment } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Workload } from "../../ports/workload.ts";
import type { Health } from "../../release/health.ts";
import { deploy } from "./deploy.ts";
import { differences } from "./differences.ts";
import { editDeployment, imagePatch } from "./edit.ts";
import { type Diagnosis, diagnose } from "./health.ts";
import { missing, unlessProblem, type WorkloadParts } from "./parts.ts";
import { newestPods } from "./pods.ts";
import { releasedImage } from "./released-image.ts";
import { scale } from "./scale.ts";
import { dismissCanary, dismissStable, restore } from "./take-back.ts";

/** The two versions as Deployments. What it needs to put things back is in `before`, so any job can. */
export function deploymentWorkload(parts: WorkloadParts): Workload {
  return {
    deploy: () => deploy(parts),
    scale: (to) => scale(parts, to),
    health: (of) => healthOf(parts, of),
    updateStable: () => updateStable(parts),
    retire: (loser) => (loser === "stable" ? dismissStable(parts) : dismissCanary(parts)),
    restore: () => restore(parts),
    differences: (winner) => differences(parts, winner),
  };
}

async function healthOf({ client, target, before, clock }: WorkloadParts, of: "stable" | "canary"): Promise<Health> {
  const { namespace } = target;
  const name = target[of].deployment;
  const raw = await client.get(resources.deployments, namespace, name);
  if (!raw) {
    const because = `Deployment ${namespace}/${name} is gone`;
    return { ready: false, desired: 0, available: 0, restarts: 0, because, fatal: because };
  }
  const deployment = readDeployment(raw);
  const found = diagnose(
    deployment,
    await newestPods(client, deployment),
    of === "canary" ? (before.canary?.restarts ?? {}) : {},
    clock.now(),
  );
  return withLog({ client, namespace }, found);
}

const logLines = 5;

/** The last words of a container that crashed. Reading logs is a permission of its own, so not having it is no failure. */
async function withLog(
  { client, namespace }: Pick<WorkloadParts, "client"> & Pick<Deployment, "namespace">,
  { health, crashed }: Diagnosis,
): Promise<Health> {
  if (!crashed || health.fatal === undefined) return health;
  const text = await client
    .log(namespace, crashed.pod, crashed.container, { lines: logLines, previous: true })
    .catch(() => "");
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-logLines);
  return lines.length === 0
    ? health
    : { ...health, fatal: `${health.fatal}. Its last words: ${lines.join(" ⏎ ").slice(0, 1_000)}` };
}

async function updateStable({ client, target }: WorkloadParts): Promise<void> {
  const { namespace, stable, canary } = target;
  const image = releasedImage(
    target,
    target.image === undefined ? await client.get(resources.deployments, namespace, canary.deployment) : undefined,
  );
  if (image === undefined) {
    throw new DeniedError(
      `Deployment ${namespace}/${stable.deployment} cannot be updated: it is not known which image the release is about.`,
      {
        next: "Set image.",
      },
    );
  }
  const found = await editDeployment(client, namespace, stable.deployment, (raw) =>
    imagePatch(unlessProblem(chooseContainer(readDeployment(raw), target.container)), image),
  );
  if (!found) throw missing(namespace, stable.deployment);
}

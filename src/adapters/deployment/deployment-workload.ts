import { chooseContainer, readDeployment } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Workload } from "../../ports/workload.ts";
import type { Build } from "../../release/build.ts";
import type { Health } from "../../release/health.ts";
import type { Role } from "../../release/target.ts";
import { touch } from "../kubernetes/touch.ts";
import type { Crash } from "./ailment.ts";
import { buildOf, changeOf, changeOfUpdated, isUntouched, type RunningDeployment } from "./build.ts";
import { deploy } from "./deploy.ts";
import { newestPods } from "./deployment-pods.ts";
import { diagnose } from "./diagnosis.ts";
import { differences } from "./differences.ts";
import { editDeployment, imagePatch } from "./edit-deployment.ts";
import { keepLogs } from "./keep-logs.ts";
import { imageOf, releasedImage } from "./released-image.ts";
import { scale } from "./scale.ts";
import { dismissCanary, dismissStable, restore, reviveStable } from "./take-back.ts";
import { missing, unlessObstacle, type WorkloadParts } from "./workload-parts.ts";

/** The two versions as Deployments. What it needs to put things back is in `before`, so any job can. */
export function deploymentWorkload(release: Omit<WorkloadParts, "templates">): Workload {
  const parts: WorkloadParts = { ...release, templates: new Map() };
  const { client, target } = parts;
  return {
    deploy: (judged) => deploy(parts, judged),
    scale: (to) => scale(parts, to),
    health: (of, judged) => healthOf(parts, of, judged),
    updateStable: (judged) => updateStable(parts, judged),
    revive: () => reviveStable(parts),
    retire: (loser) => (loser === "stable" ? dismissStable(parts) : dismissCanary(parts)),
    restore: () => restore(parts),
    keepLogs: (since, signal) => keepLogs(parts, since, signal),
    async fence() {
      const names = [target.stable.deployment, target.canary.deployment];
      const touched = names.map((name) => touch(client, resources.deployments, target.namespace, name));
      await Promise.all(touched);
    },
    differences: (winner) => differences(parts, winner),
  };
}

async function healthOf(parts: WorkloadParts, of: Role, judged: Build | undefined): Promise<Health> {
  const { client, target, before, clock } = parts;
  const { namespace } = target;
  const name = target[of].deployment;
  const raw = await client.get(resources.deployments, namespace, name);
  if (!raw) {
    const because = `Deployment ${namespace}/${name} is gone`;
    return { ready: false, desired: 0, available: 0, restarts: 0, because, fatal: because };
  }
  const deployment = readDeployment(raw);
  const pods = await newestPods(client, deployment);
  const restartsBefore = of === "canary" ? before.canary?.restarts : undefined;
  const { health: how, crash } = diagnose(deployment, pods, restartsBefore ?? {}, clock.now());
  const health = { ...how, ...(await identify[of](parts, { raw, pods }, how, judged)) };
  if (!crash || health.fatal === undefined) return health;
  const words = await lastWords(parts, crash);
  return words === "" ? health : { ...health, fatal: `${health.fatal}. Its last words: ${words}` };
}

/** What a version runs, by what is known of it. */
type Identity = Pick<Health, "build" | "changed" | "had" | "untouched">;
type Identify = (
  parts: WorkloadParts,
  running: RunningDeployment,
  health: Health,
  judged: Build | undefined,
) => Identity | Promise<Identity>;

const identify: Readonly<Record<Role, Identify>> = {
  stable: (parts, running, _, judged) => ({
    had: parts.before.stable?.replicas,
    image: imageOf(running.raw, parts.target),
    untouched: isUntouched(parts, running.raw),
    changed: judged && changeOfUpdated(parts, running, judged),
  }),
  async canary(parts, running, { ready }, judged) {
    const changed = await changeOf(parts, running, judged);
    return { changed, build: ready && !judged ? await buildOf(parts, running) : undefined };
  },
};

const logLines = 5;

/**
 * Of a container that crashed; "" where there are none. Reading logs is a permission of its own, so not having it is no
 * failure.
 */
async function lastWords({ client, target }: WorkloadParts, { pod, container }: Crash): Promise<string> {
  const options = { lines: logLines, previous: true };
  const text = await client.log(target.namespace, pod, container, options).catch(() => "");
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return lines.slice(-logLines).join(" ⏎ ").slice(0, 1_000);
}

/** Releases that began before it was written down what was judged go by what they know. */
async function updateStable(parts: WorkloadParts, judged: Build | undefined): Promise<void> {
  const { target } = parts;
  const { namespace, stable } = target;
  const image = judged?.image ?? (await imageToRelease(parts));
  if (image === undefined) {
    throw new DeniedError(
      `Deployment ${namespace}/${stable.deployment} cannot be updated: it is not known which image the release is about.`,
      { next: "Set image." },
    );
  }
  const exists = await editDeployment(parts, stable.deployment, (deployment) =>
    imagePatch(unlessObstacle(chooseContainer(readDeployment(deployment), target.container)), () => image),
  );
  if (!exists) throw missing(namespace, stable.deployment);
}

async function imageToRelease({ client, target }: WorkloadParts): Promise<string | undefined> {
  const { namespace, canary, image } = target;
  return image ?? releasedImage(target, await client.get(resources.deployments, namespace, canary.deployment));
}

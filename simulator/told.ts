import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { CommandEnd } from "./command.ts";
import type { Running } from "./jobs.ts";
import { trafficBy } from "./mesh.ts";
import type { Scene } from "./scene.ts";
import { callersOf } from "./shop.ts";
import { isWasted, phaseOf, trafficText } from "./watch.ts";

/** How what a command told at its end differs from what is stored then. Undefined: it does not, or nobody can know. */
export function untruthOf(
  { running, end }: { readonly running: Running; readonly end: CommandEnd },
  scene: Scene,
): string | undefined {
  if (end.defect || end.exit === 2 || hasJustChanged(scene)) return undefined;
  const phase = scene.watch.journal()?.state.phase;
  const says = claims(running, end);
  if (says === undefined) return undefined;
  const traffic = trafficBy(scene.cluster.store, callersOf(scene.scenario));
  const { deployment, image } = scene.watch.base();
  const isAlone = traffic.length === 1 && traffic[0]?.deployment === deployment && traffic[0].image === image;
  if (isAlone || (phase === "waiting" && !traffic.some(isWasted))) return undefined;
  return `${running.command} of ${running.place.name} said ${says}, while requests go to ${trafficText(traffic)}, the journal says ${phaseOf(scene.watch.journal())}, and ${deployment} (${image.split(":")[1]}) alone may serve`;
}

function claims({ command }: Running, { exit, settled }: CommandEnd): string | undefined {
  if (settled === true) return `exit ${exit} and settled`;
  if (exit === 0 && command !== "settle") return "exit 0";
  return exit === 1 ? "exit 1, rolled back" : undefined;
}

/** Whoever reads reads a moment before; and pods of a version that dies come and go. */
const moment = 4_000;

function hasJustChanged({ happened, timeline, cluster }: Scene): boolean {
  const recent = happened.some(({ disturbance, at }) => disturbance.by === "person" && at > timeline.now() - moment);
  const unready = cluster.store.list(kindNamed("deployments"), "shop").some(({ status, metadata }) => {
    const { observedGeneration, replicas, availableReplicas } = (status ?? {}) as Record<string, number | undefined>;
    return observedGeneration !== metadata.generation || replicas !== availableReplicas;
  });
  return recent || unready;
}

import type { Container } from "./container.ts";
import { type Pod, timestamp } from "./objects.ts";

type Condition = {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
};

export type Part = { readonly container: Container; readonly ready: () => boolean };

/** Writes a pod's status as a kubelet does; remembers since when each condition holds. */
export function statusOf(address: string): (pod: Pod, parts: readonly Part[]) => object {
  const startTime = timestamp();
  const conditions = new Map<string, Condition>();

  const condition = (type: string, holds: boolean, reason?: string, message?: string): Condition => {
    const status = holds ? "True" : "False";
    const before = conditions.get(type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp();
    const next: Condition = {
      type,
      status,
      lastTransitionTime,
      ...(holds || reason === undefined ? {} : { reason }),
      ...(holds || message === undefined ? {} : { message }),
    };
    conditions.set(type, next);
    return next;
  };

  return (pod, parts) => {
    const sidecars = new Set((pod.spec.initContainers ?? []).map(({ name }) => name));
    const statuses = parts.map(({ container, ready }) => ({
      name: container.spec.name,
      body: container.status(ready()),
      ready: ready(),
    }));
    const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
    const message = `containers with unready status: [${unready.join(" ")}]`;
    const begun = parts.every(
      ({ container }) => "lastState" in container.status(false) || !("waiting" in stateOf(container)),
    );
    return {
      phase: begun ? "Running" : "Pending",
      hostIP: "10.244.0.1",
      hostIPs: [{ ip: "10.244.0.1" }],
      podIP: address,
      podIPs: [{ ip: address }],
      startTime,
      conditions: [
        condition("PodScheduled", true),
        condition("Initialized", true),
        condition("ContainersReady", unready.length === 0, "ContainersNotReady", message),
        condition("Ready", unready.length === 0, "ContainersNotReady", message),
      ],
      containerStatuses: statuses.filter(({ name }) => !sidecars.has(name)).map(({ body }) => body),
      ...(sidecars.size === 0
        ? {}
        : {
            initContainerStatuses: (pod.spec.initContainers ?? []).map(
              ({ name, image }) =>
                statuses.find((status) => status.name === name)?.body ?? completed(name, image, startTime),
            ),
          }),
    };
  };
}

const stateOf = (container: Container): object => (container.status(false) as { readonly state: object }).state;

const completed = (name: string, image: string, at: string): object => ({
  name,
  image,
  imageID: "",
  ready: true,
  started: false,
  restartCount: 0,
  state: { terminated: { exitCode: 0, reason: "Completed", startedAt: at, finishedAt: at } },
});

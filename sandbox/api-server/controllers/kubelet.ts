import type { Millis } from "../../../src/lib/duration.ts";
import { behaviourOf, type ImageBehaviour } from "../image-behaviour.ts";
import { kindNamed } from "../kind.ts";
import { timestamp, withoutUndefined } from "../object.ts";
import {
  type Container,
  type ContainerState,
  type ContainerStatus,
  isPod,
  isTerminating,
  type Pod,
} from "../workload.ts";
import { bindPod, type Control, writeStatus } from "./controller.ts";
import { podConditions, podPhase } from "./pod-status.ts";

/** Who really runs pods: the sandbox's mesh serves HTTP for them. Without one they get addresses where nobody listens. */
export interface PodRunner {
  /** Called when the pod's containers run, again after a crash. The address becomes its podIP. */
  start(pod: Pod): Promise<{ readonly ip: string }>;
  /** Called when they have ended, by a crash or for good. */
  stop(pod: Pod): Promise<void>;
}

/** How long things take, in the clock's milliseconds. */
export type PodTimes = {
  /** From a running container to a ready one. Default 300. */
  readonly becomesReady: Millis;
  /** A container that crashes lives this long. Default 100. */
  readonly crashes: Millis;
  /** From `ErrImagePull` to `ImagePullBackOff`. Default 200. */
  readonly pullBackOff: Millis;
  /** The wait before the second restart; the first comes at once, and each later one takes twice as long, 5 min at most. Default 10s, as a kubelet's. */
  readonly restartBackOff: Millis;
  /** From the deletion of a pod until it is gone. Default 100. */
  readonly terminates: Millis;
};

export const podTimes: PodTimes = {
  becomesReady: 300,
  crashes: 100,
  pullBackOff: 200,
  restartBackOff: 10_000,
  terminates: 100,
};

const longestBackOff = 300_000;
const nodeName = "node-0";
const manager = "kubelet";

type Running = { statuses: readonly ContainerStatus[]; ip: string; readonly timers: Set<() => void>; served: boolean };

/** Binds pods to the one node, and lives their containers' lives as the images' tags say. */
export function startKubelet(control: Control, runner: PodRunner | undefined, times: PodTimes): void {
  const { store, clock, objects } = control;
  const pods = kindNamed("pods");
  const running = new Map<string, Running>();
  let addresses = 0;

  const nextAddress = (): string => `127.18.${Math.floor(++addresses / 250)}.${(addresses % 250) + 1}`;

  const current = (pod: Pod): Pod | undefined => {
    const found = store.get(pods, pod.metadata.namespace, pod.metadata.name);
    return found !== undefined && isPod(found) && found.metadata.uid === pod.metadata.uid ? found : undefined;
  };

  function later(pod: Pod, delay: Millis, run: () => void): void {
    const entry = running.get(pod.metadata.uid);
    if (entry === undefined) return;
    const cancel = clock.after(delay, () => {
      entry.timers.delete(cancel);
      if (running.get(pod.metadata.uid) === entry) run();
    });
    entry.timers.add(cancel);
  }

  function begin(pod: Pod): void {
    if (pod.spec.containers.some(({ image }) => behaviourOf(image).start === "does-not-fit")) {
      const message =
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
      const unscheduled = {
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message,
        lastTransitionTime: timestamp(clock.now()),
      } as const;
      writeStatus(control, pod, { ...pod.status, phase: "Pending", conditions: [unscheduled] }, "kube-scheduler");
      return;
    }
    running.set(pod.metadata.uid, {
      statuses: pod.spec.containers.map(creating),
      ip: nextAddress(),
      timers: new Set(),
      served: false,
    });
    const bound = bindPod(control, { ...pod, spec: { ...pod.spec, nodeName } });
    report(pod);
    if (isPod(bound)) void startContainers(bound);
  }

  async function startContainers(pod: Pod): Promise<void> {
    const entry = running.get(pod.metadata.uid);
    if (entry === undefined) return;
    if (pod.spec.containers.every(({ image }) => behaviourOf(image).start === "runs")) await serve(pod, entry);
    for (const container of pod.spec.containers) startContainer(pod, container);
  }

  async function serve(pod: Pod, entry: Running): Promise<void> {
    if (runner === undefined || entry.served) return;
    entry.served = true;
    entry.ip = (await runner.start(pod)).ip;
  }

  function startContainer(pod: Pod, container: Container): void {
    const { start } = behaviourOf(container.image);
    if (start === "cannot-be-pulled") failToPull(pod, container);
    else if (start === "has-no-config")
      set(pod, container, waiting("CreateContainerConfigError", `configmap "${container.name}-config" not found`));
    else run(pod, container);
  }

  function failToPull(pod: Pod, container: Container): void {
    const { image } = container;
    const because = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
    set(pod, container, waiting("ErrImagePull", `rpc error: code = NotFound desc = ${because}`));
    later(pod, times.pullBackOff, () =>
      set(
        pod,
        container,
        waiting(
          "ImagePullBackOff",
          `Back-off pulling image "${image}": ErrImagePull: rpc error: code = NotFound desc = ${because}`,
        ),
      ),
    );
  }

  function run(pod: Pod, container: Container): void {
    const behaviour = behaviourOf(container.image);
    const startedAt = timestamp(clock.now());
    set(pod, container, { state: { running: { startedAt } }, started: true, ready: false });
    if (crashesNow(pod, container, behaviour)) {
      later(pod, times.crashes, () => void crash(pod, container, startedAt));
      return;
    }
    if (behaviour.becomesReady) later(pod, times.becomesReady, () => set(pod, container, { ready: true }));
    if (behaviour.diesAfter !== undefined)
      later(pod, times.becomesReady + behaviour.diesAfter * 1_000, () => void crash(pod, container, startedAt));
  }

  /** A `-die10` lives its ten seconds once; after that it is broken. */
  const crashesNow = (pod: Pod, container: Container, { start, diesAfter }: ImageBehaviour): boolean =>
    start === "crashes" || (diesAfter !== undefined && (statusOf(pod, container)?.restartCount ?? 0) > 0);

  async function crash(pod: Pod, container: Container, startedAt: string): Promise<void> {
    const entry = running.get(pod.metadata.uid);
    const restartCount = statusOf(pod, container)?.restartCount ?? 0;
    const terminated = { exitCode: 1, reason: "Error", startedAt, finishedAt: timestamp(clock.now()) };
    const backOff = restartCount === 0 ? 0 : Math.min(longestBackOff, times.restartBackOff * 2 ** (restartCount - 1));
    const message = `back-off ${formatGo(backOff)} restarting failed container=${container.name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    const state: ContainerState = backOff === 0 ? { terminated } : { waiting: { reason: "CrashLoopBackOff", message } };
    set(pod, container, { state, lastState: { terminated }, ready: false, started: false });
    if (entry?.served === true) {
      entry.served = false;
      await runner?.stop(pod);
    }
    later(pod, backOff, () => {
      const present = current(pod);
      if (present === undefined) return;
      set(present, container, { restartCount: restartCount + 1 });
      run(present, container);
    });
  }

  const statusOf = (pod: Pod, { name }: Container): ContainerStatus | undefined =>
    running.get(pod.metadata.uid)?.statuses.find((status) => status.name === name);

  function set(pod: Pod, { name }: Container, change: Partial<ContainerStatus>): void {
    const entry = running.get(pod.metadata.uid);
    if (entry === undefined) return;
    entry.statuses = entry.statuses.map((status) => (status.name === name ? { ...status, ...change } : status));
    report(pod);
  }

  function report(pod: Pod): void {
    const present = current(pod);
    const entry = running.get(pod.metadata.uid);
    if (present === undefined || entry === undefined) return;
    const now = timestamp(clock.now());
    const { statuses, ip } = entry;
    const sidecars = (present.spec.initContainers ?? []).map((container) =>
      initStatus(container, present.status?.startTime ?? now),
    );
    writeStatus(
      control,
      present,
      withoutUndefined({
        ...present.status,
        observedGeneration: present.metadata.generation,
        phase: podPhase(statuses),
        hostIP: "127.0.0.1",
        hostIPs: [{ ip: "127.0.0.1" }],
        podIP: ip,
        podIPs: [{ ip }],
        startTime: present.status?.startTime ?? now,
        containerStatuses: statuses,
        initContainerStatuses: sidecars.length === 0 ? undefined : sidecars,
        conditions: podConditions(statuses, present.status?.conditions ?? [], now),
      }),
      manager,
    );
  }

  async function end(pod: Pod): Promise<void> {
    const entry = running.get(pod.metadata.uid);
    running.delete(pod.metadata.uid);
    for (const cancel of entry?.timers ?? []) cancel();
    if (entry?.served === true) await runner?.stop(pod);
  }

  function terminate(pod: Pod): void {
    clock.after(times.terminates, () => {
      const present = current(pod);
      if (present !== undefined) objects.delete(pods, present, { gracePeriodSeconds: 0 });
    });
  }

  const terminating = new Set<string>();

  store.subscribe(({ type, object }) => {
    if (!isPod(object)) return;
    if (type === "added") begin(object);
    if (type === "removed") void end(object);
    if (type === "modified" && isTerminating(object) && !terminating.has(object.metadata.uid)) {
      terminating.add(object.metadata.uid);
      terminate(object);
    }
  });
}

const creating = ({ name, image }: Container): ContainerStatus => ({
  name,
  image,
  imageID: "",
  ready: false,
  started: false,
  restartCount: 0,
  state: { waiting: { reason: "ContainerCreating" } },
  lastState: {},
});

const waiting = (reason: string, message: string): Partial<ContainerStatus> => ({
  state: { waiting: { reason, message } },
  ready: false,
  started: false,
});

/** Init containers have run already; those that restart always are sidecars, and run on. */
function initStatus(container: Container, startedAt: string): ContainerStatus {
  const sidecar = container.restartPolicy === "Always";
  const ended = { exitCode: 0, reason: "Completed", startedAt, finishedAt: startedAt };
  return {
    ...creating(container),
    ready: true,
    started: sidecar,
    state: sidecar ? { running: { startedAt } } : { terminated: ended },
  };
}

/** `1m20s`, as Go writes it. */
function formatGo(millis: Millis): string {
  const seconds = Math.round(millis / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

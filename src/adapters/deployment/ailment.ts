import type { Rollout } from "../../kubernetes/deployment.ts";
import type { ContainerStatus, Pod } from "../../kubernetes/pod.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { plural } from "../../lib/numbers.ts";

/** What keeps pods from being available, in their own words. */
export type Ailment = {
  readonly because: string;
  /** Waiting will not help. */
  readonly lasting: boolean;
  /** Whose log tells more. */
  readonly crash?: Crash | undefined;
};

export type Crash = { readonly pod: string; readonly container: string };

/** Autoscalers of nodes need a moment before a pod that fits nowhere means anything. */
const schedulingPatience: Millis = 30_000;
/** A quota is freed, and an admission webhook comes back, or not. */
const creationPatience: Millis = 10_000;

type Sentence = (status: ContainerStatus, message: string) => string;

const pull: Sentence = ({ image }, message) => `cannot pull image ${image}: ${message}`;
const create: Sentence = ({ name }, message) => `container ${name} cannot be created: ${message}`;
const crash: Sentence = ({ name, restarts, ended }) => {
  const details = [`${restarts} ${plural(restarts, "restart")}`];
  if (ended) details.push(`the last run ended with exit code ${ended.exitCode}`);
  if (ended?.reason && ended.reason !== "Error") details.push(ended.reason);
  return `container ${name} crashes again and again (${details.join(", ")})`;
};

/**
 * Reasons for which the kubelet will go on trying in vain. ErrImagePull is not among them: a registry may hiccup once,
 * the second time it is ImagePullBackOff.
 */
const lastingReasons: Readonly<Record<string, Sentence>> = {
  ImagePullBackOff: pull,
  ErrImageNeverPull: pull,
  InvalidImageName: pull,
  CreateContainerConfigError: create,
  CrashLoopBackOff: crash,
};

/** What ails a pod; undefined when it is ready. */
export function ailmentOfPod(pod: Pod, now: Instant): Ailment | undefined {
  if (pod.ready) return undefined;
  const waiting = pod.statuses.filter((status) => status.waiting !== undefined);
  const worst = waiting.find((status) => status.waiting && status.waiting.reason in lastingReasons) ?? waiting[0];
  if (worst) return ailmentOfContainer(pod, worst);
  return unscheduled(pod, now) ?? { because: `pod ${pod.name}: ${unreadiness(pod)}`, lasting: false };
}

function ailmentOfContainer(pod: Pod, status: ContainerStatus): Ailment {
  const { reason, message } = status.waiting ?? { reason: "", message: "" };
  const sentence = lastingReasons[reason];
  if (!sentence) {
    const why = [reason, message].filter(Boolean).join(": ");
    return { because: `pod ${pod.name}: container ${status.name} waits: ${why}`, lasting: false };
  }
  return {
    because: `pod ${pod.name}: ${sentence(status, message || reason)}`,
    lasting: true,
    crash: reason === "CrashLoopBackOff" ? { pod: pod.name, container: status.name } : undefined,
  };
}

function unscheduled(pod: Pod, now: Instant): Ailment | undefined {
  const condition = pod.conditions.find(
    ({ type, status, reason }) => type === "PodScheduled" && status === "False" && reason === "Unschedulable",
  );
  if (!condition) return undefined;
  return {
    because: `pod ${pod.name}: no node takes it: ${condition.message}`,
    lasting: now - Date.parse(condition.since) >= schedulingPatience,
  };
}

/** The condition that says most about why a pod is not ready comes first. */
const readiness = ["Ready", "ContainersReady", "Initialized"];

function unreadiness({ phase, conditions, statuses }: Pod): string {
  const failing = conditions.filter(({ status }) => status !== "True");
  const why = readiness.map((wanted) => failing.find(({ type }) => type === wanted)?.message).find(Boolean);
  const ended = statuses.find((status) => status.ended !== undefined);
  let text = phase === "Running" || phase === "" ? "it is not ready" : `it is ${phase}`;
  if (why) text += `: ${why}`;
  if (ended?.ended) text += `; container ${ended.name} ended with exit code ${ended.ended.exitCode}`;
  return text;
}

/** What the Deployment's own conditions say: pods that could not even be made, or that took too long. */
export function ailmentOfRollout({ observed, conditions }: Rollout, now: Instant): Ailment | undefined {
  if (!observed) return undefined; // they are about an older specification
  const failure = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  if (failure) {
    const lasting = now - Date.parse(failure.since) >= creationPatience;
    return { because: `pods cannot be created: ${failure.message}`, lasting };
  }
  const late = conditions.find(
    ({ type, status, reason }) => type === "Progressing" && status === "False" && reason === "ProgressDeadlineExceeded",
  );
  return late && { because: `its progress deadline has passed: ${late.message}`, lasting: true };
}

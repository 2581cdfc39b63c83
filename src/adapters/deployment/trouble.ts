import type { Rollout } from "../../kubernetes/deployment.ts";
import type { ContainerStatus, Pod } from "../../kubernetes/pod.ts";
import type { Instant, Millis } from "../../lib/duration.ts";

/** What keeps pods from being available, in their own words. */
export type Trouble = {
  readonly because: string;
  /** Waiting will not help. */
  readonly lasting: boolean;
  /** Whose log tells more. */
  readonly crashed?: { readonly pod: string; readonly container: string };
};

/** Autoscalers of nodes need a moment before a pod that fits nowhere means anything. */
const schedulingPatience: Millis = 30_000;
/** A quota is freed, and an admission webhook comes back, or not. */
const creationPatience: Millis = 10_000;

type Reason = (status: ContainerStatus, message: string) => string;

const pull: Reason = ({ image }, message) => `cannot pull image ${image}: ${message}`;
const create: Reason = ({ name }, message) => `container ${name} cannot be created: ${message}`;

/** Reasons for which the kubelet will go on trying in vain. ErrImagePull is not among them: a registry may hiccup once, the second time it is ImagePullBackOff. */
const lasting: Readonly<Record<string, Reason>> = {
  ImagePullBackOff: pull,
  ErrImageNeverPull: pull,
  InvalidImageName: pull,
  CreateContainerConfigError: create,
  CrashLoopBackOff: ({ name, restarts, ended }) =>
    `container ${name} crashes again and again (${restarts} ${restarts === 1 ? "restart" : "restarts"}${ended ? `, the last run ended with exit code ${ended.exitCode}${ended.reason && ended.reason !== "Error" ? `, ${ended.reason}` : ""}` : ""})`,
};

/** What ails a pod; undefined when it is ready. */
export function troubleOf(pod: Pod, now: Instant): Trouble | undefined {
  if (pod.ready) return undefined;
  const waiting = pod.statuses.filter((status) => status.waiting !== undefined);
  const worst = waiting.find(({ waiting }) => waiting && waiting.reason in lasting) ?? waiting[0];
  if (worst) return troubleOfContainer(pod, worst);
  return unscheduled(pod, now) ?? { because: `pod ${pod.name}: ${unreadiness(pod)}`, lasting: false };
}

function troubleOfContainer(pod: Pod, status: ContainerStatus): Trouble {
  const { reason, message } = status.waiting ?? { reason: "", message: "" };
  const tell = lasting[reason];
  if (!tell)
    return {
      because: `pod ${pod.name}: container ${status.name} waits: ${[reason, message].filter(Boolean).join(": ")}`,
      lasting: false,
    };
  return {
    because: `pod ${pod.name}: ${tell(status, message || reason)}`,
    lasting: true,
    ...(reason === "CrashLoopBackOff" ? { crashed: { pod: pod.name, container: status.name } } : {}),
  };
}

function unscheduled(pod: Pod, now: Instant): Trouble | undefined {
  const condition = pod.conditions.find(
    ({ type, status, reason }) => type === "PodScheduled" && status === "False" && reason === "Unschedulable",
  );
  if (!condition) return undefined;
  return {
    because: `pod ${pod.name}: no node takes it: ${condition.message}`,
    lasting: now - Date.parse(condition.since) >= schedulingPatience,
  };
}

function unreadiness({ phase, conditions, statuses }: Pod): string {
  const why = ["Ready", "ContainersReady", "Initialized"]
    .map((wanted) => conditions.find(({ type, status }) => type === wanted && status !== "True")?.message)
    .find(Boolean);
  const ended = statuses.find(({ ended }) => ended !== undefined);
  const last = ended?.ended ? `; container ${ended.name} ended with exit code ${ended.ended.exitCode}` : "";
  return `${phase === "Running" || phase === "" ? "it is not ready" : `it is ${phase}`}${why ? `: ${why}` : ""}${last}`;
}

/** What the Deployment's own conditions say: pods that could not even be made, or that took too long. */
export function troubleOfRollout({ observed, conditions }: Rollout, now: Instant): Trouble | undefined {
  if (!observed) return undefined; // they are about an older specification
  const failure = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  if (failure)
    return {
      because: `pods cannot be created: ${failure.message}`,
      lasting: now - Date.parse(failure.since) >= creationPatience,
    };
  const late = conditions.find(
    ({ type, status, reason }) => type === "Progressing" && status === "False" && reason === "ProgressDeadlineExceeded",
  );
  return late && { because: `its progress deadline has passed: ${late.message}`, lasting: true };
}

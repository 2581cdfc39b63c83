import assert from "node:assert/strict";
import test from "node:test";
import { diagnose } from "../../../src/adapters/deployment/diagnosis.ts";
import { readDeployment } from "../../../src/kubernetes/deployment.ts";
import { readPod } from "../../../src/kubernetes/pod.ts";

const now = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number): string => new Date(now - seconds * 1_000).toISOString();

type Status = Readonly<Record<string, unknown>>;

const deployment = (status: Status, { replicas = 2, generation = 3, paused = false } = {}) =>
  readDeployment({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "reviews-v2", namespace: "shop", generation },
    spec: { replicas, paused },
    status: { observedGeneration: 3, ...status },
  });

const rolledOut = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const rollingOut = { replicas: 2, updatedReplicas: 2, availableReplicas: 0 };

const pod = (
  containers: readonly Status[],
  conditions: readonly Status[] = [],
  phase = "Pending",
  inits: readonly Status[] = [],
) =>
  readPod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "reviews-v2-abc" },
    status: { phase, conditions, containerStatuses: containers, initContainerStatuses: inits },
  });

const waiting = (reason: string, message = "", more: Status = {}): Status => ({
  name: "reviews",
  image: "ghcr.io/acme/reviews:v2",
  restartCount: 0,
  state: { waiting: { reason, message } },
  ...more,
});

const ready: readonly {
  readonly of: string;
  readonly status: Status;
  readonly more?: Parameters<typeof deployment>[1];
  readonly ready: boolean;
  readonly because: string;
}[] = [
  { of: "every pod is available", status: rolledOut, ready: true, because: "2 of 2 pods are available" },
  {
    of: "one pod of one is available",
    status: { replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    more: { replicas: 1 },
    ready: true,
    because: "1 of 1 pods is available",
  },
  {
    of: "one pod is missing",
    status: { ...rolledOut, availableReplicas: 1 },
    ready: false,
    because: "1 of 2 pods are available",
  },
  {
    of: "the figures are of an older specification",
    status: rolledOut,
    more: { generation: 4 },
    ready: false,
    because: "Kubernetes has not begun to roll it out",
  },
  {
    of: "only one pod has the new template",
    status: { ...rolledOut, updatedReplicas: 1 },
    ready: false,
    because: "1 of 2 pods run the new template",
  },
  {
    of: "it is paused half-way",
    status: { ...rolledOut, updatedReplicas: 1 },
    more: { paused: true },
    ready: false,
    because: "1 of 2 pods run the new template, and it is paused: run kubectl rollout resume",
  },
  {
    of: "an old pod is left",
    status: { ...rolledOut, replicas: 3, availableReplicas: 3 },
    ready: false,
    because: "1 of the old template's pods is still there",
  },
  { of: "it is scaled to 0", status: {}, more: { replicas: 0 }, ready: false, because: "it is scaled to 0" },
];

for (const { of, status, more, ready: expected, because } of ready) {
  test(`a Deployment is ${expected ? "" : "not "}ready when ${of}`, () => {
    const { health } = diagnose(deployment(status, more), [], {}, now);
    assert.deepEqual(
      { ready: health.ready, because: health.because, fatal: health.fatal },
      { ready: expected, because, fatal: undefined },
    );
  });
}

const troubles: readonly {
  readonly of: string;
  readonly pod: ReturnType<typeof pod>;
  readonly fatal?: string;
  readonly because?: string;
}[] = [
  {
    of: "an image pull that backs off",
    pod: pod([waiting("ImagePullBackOff", 'Back-off pulling image "ghcr.io/acme/reviews:v2"')]),
    fatal:
      'pod reviews-v2-abc: cannot pull image ghcr.io/acme/reviews:v2: Back-off pulling image "ghcr.io/acme/reviews:v2"',
  },
  {
    of: "an image pull that failed once",
    pod: pod([waiting("ErrImagePull", "rpc error: timeout")]),
    because: "pod reviews-v2-abc: container reviews waits: ErrImagePull: rpc error: timeout",
  },
  {
    of: "an image name that is none",
    pod: pod([waiting("InvalidImageName", "couldn't parse image name")]),
    fatal: "pod reviews-v2-abc: cannot pull image ghcr.io/acme/reviews:v2: couldn't parse image name",
  },
  {
    of: "a crash loop",
    pod: pod([
      waiting("CrashLoopBackOff", "back-off 10s", {
        restartCount: 2,
        lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
      }),
    ]),
    fatal:
      "pod reviews-v2-abc: container reviews crashes again and again (2 restarts, the last run ended with exit code 137, OOMKilled)",
  },
  {
    of: "a crash loop of an init container",
    pod: pod([waiting("PodInitializing")], [], "Pending", [
      { ...waiting("CrashLoopBackOff", "", { restartCount: 1 }), name: "migrate" },
    ]),
    fatal: "pod reviews-v2-abc: container migrate crashes again and again (1 restart)",
  },
  {
    of: "a configuration that is missing",
    pod: pod([waiting("CreateContainerConfigError", 'secret "db" not found')]),
    fatal: 'pod reviews-v2-abc: container reviews cannot be created: secret "db" not found',
  },
  {
    of: "a container that is being created",
    pod: pod([waiting("ContainerCreating")]),
    because: "pod reviews-v2-abc: container reviews waits: ContainerCreating",
  },
  {
    of: "a sidecar that waits, beside a container that crashes",
    pod: pod([{ ...waiting("PodInitializing"), name: "istio-proxy" }, waiting("CrashLoopBackOff")]),
    fatal: "pod reviews-v2-abc: container reviews crashes again and again (0 restarts)",
  },
  {
    of: "no node for 29 seconds",
    pod: pod(
      [],
      [
        {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable",
          message: "0/3 nodes are available",
          lastTransitionTime: ago(29),
        },
      ],
    ),
    because: "pod reviews-v2-abc: no node takes it: 0/3 nodes are available",
  },
  {
    of: "no node for 30 seconds",
    pod: pod(
      [],
      [
        {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable",
          message: "0/3 nodes are available",
          lastTransitionTime: ago(30),
        },
      ],
    ),
    fatal: "pod reviews-v2-abc: no node takes it: 0/3 nodes are available",
  },
  {
    of: "a gate before its scheduling",
    pod: pod(
      [],
      [
        {
          type: "PodScheduled",
          status: "False",
          reason: "SchedulingGated",
          message: "Scheduling is blocked due to non-empty scheduling gates",
          lastTransitionTime: ago(99),
        },
      ],
    ),
    because: "pod reviews-v2-abc: it is Pending",
  },
  {
    of: "a readiness probe that does not pass",
    pod: pod(
      [{ name: "reviews", state: { running: {} } }],
      [{ type: "Ready", status: "False", message: "containers with unready status: [reviews]" }],
      "Running",
    ),
    because: "pod reviews-v2-abc: it is not ready: containers with unready status: [reviews]",
  },
];

for (const { of, pod: one, fatal, because } of troubles) {
  test(`${of} is ${fatal === undefined ? "told, and waited for" : "fatal"}`, () => {
    const { health, crash } = diagnose(deployment(rollingOut), [one], {}, now);
    assert.equal(crash !== undefined, of.includes("crash"), "whether there is a log to ask for");
    assert.equal(health.fatal, fatal === undefined ? undefined : `Deployment shop/reviews-v2: ${fatal}`);
    assert.equal(health.because, `0 of 2 pods are available; ${fatal ?? because}`);
  });
}

const failure = (type: string, status: string, reason: string, seconds: number): Status => ({
  ...rollingOut,
  conditions: [{ type, status, reason, message: "the words of the cluster", lastTransitionTime: ago(seconds) }],
});
const conditions: readonly {
  readonly of: string;
  readonly status: Status;
  readonly generation?: number;
  readonly fatal?: string;
}[] = [
  { of: "a pod that could not be created for 9 seconds", status: failure("ReplicaFailure", "True", "FailedCreate", 9) },
  {
    of: "a pod that could not be created for 10 seconds",
    status: failure("ReplicaFailure", "True", "FailedCreate", 10),
    fatal: "pods cannot be created: the words of the cluster",
  },
  {
    of: "a progress deadline that has passed",
    status: failure("Progressing", "False", "ProgressDeadlineExceeded", 0),
    fatal: "its progress deadline has passed: the words of the cluster",
  },
  {
    of: "a progress deadline of an older specification",
    status: failure("Progressing", "False", "ProgressDeadlineExceeded", 0),
    generation: 4,
  },
  { of: "a Deployment that makes progress", status: failure("Progressing", "True", "ReplicaSetUpdated", 99) },
  {
    of: "a progress deadline that passed before all was well",
    status: { ...failure("Progressing", "False", "ProgressDeadlineExceeded", 0), ...rolledOut },
  },
];

for (const { of, status, generation = 3, fatal } of conditions) {
  test(`${of} is ${fatal === undefined ? "waited for" : "fatal"}`, () => {
    const { health } = diagnose(deployment(status, { generation }), [], {}, now);
    assert.equal(health.fatal, fatal === undefined ? undefined : `Deployment shop/reviews-v2: ${fatal}`);
  });
}

test("a passed deadline is told together with what ails the pods", () => {
  const { health } = diagnose(
    deployment(failure("Progressing", "False", "ProgressDeadlineExceeded", 0)),
    [pod([waiting("ErrImagePull", "timeout")])],
    {},
    now,
  );
  assert.match(
    health.fatal ?? "",
    /its progress deadline has passed: the words of the cluster; pod reviews-v2-abc: container reviews waits: ErrImagePull: timeout/,
  );
});

test("restarts count in every container, without those before the release", () => {
  const one = pod(
    [
      { name: "reviews", restartCount: 3 },
      { name: "istio-proxy", restartCount: 2 },
    ],
    [{ type: "Ready", status: "True" }],
  );
  assert.equal(diagnose(deployment(rolledOut), [one, one], {}, now).health.restarts, 10);
  assert.equal(diagnose(deployment(rolledOut), [one], { "reviews-v2-abc": 4 }, now).health.restarts, 1);
  assert.equal(diagnose(deployment(rolledOut), [one], { "reviews-v2-abc": 9 }, now).health.restarts, 0);
});

import { behaviourOf } from "./behaviour.ts";
import { type ContainerSpec, timestamp } from "./objects.ts";

type Terminated = {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string;
};
type State =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated };

export type Container = {
  readonly spec: ContainerSpec;
  readonly running: () => boolean;
  /** Milliseconds since the present run began. */
  readonly age: () => number;
  /** As `status.containerStatuses` has it. */
  readonly status: (ready: boolean) => object;
  /** The log of the present or the previous run, or why there is none, in the kubelet's words. */
  readonly log: (previous: boolean) => { readonly lines: readonly LogLine[] } | { readonly refused: string };
  readonly say: (line: string) => void;
  readonly stop: () => Promise<void>;
};

/** Closes what a run has opened; `abruptly` cuts requests that are under way. */
export type Close = (abruptly: boolean) => Promise<void>;

/** Pauses before restarts. Real kubelets begin at 10s and go on to 5 min; nobody learns more by waiting longer. */
const backOff = (restarts: number): number => Math.min(2 ** (restarts - 1), 30);
const keptLines = 1_000;

export type LogLine = { readonly at: number; readonly line: string };

/** Runs a container as its image says, and starts it again when it ends. `open` starts what it serves. */
export function runContainer(
  spec: ContainerSpec,
  podName: string,
  open: () => Promise<Close>,
  changed: () => void,
): Container {
  const behaviour = behaviourOf(spec.image);
  let state: State = { waiting: { reason: "ContainerCreating" } };
  let last: Terminated | undefined;
  let restarts = 0;
  let startedAt = 0;
  let lines: LogLine[] = [];
  let previous: readonly LogLine[] | undefined;
  let opened: Promise<Close> | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const later = (milliseconds: number, next: () => void): void => {
    timer = setTimeout(next, milliseconds);
  };
  const become = (next: State): void => {
    if (stopped) return;
    state = next;
    changed();
  };
  const say = (line: string): void => {
    lines.push({ at: Date.now(), line });
    if (lines.length > keptLines) lines = lines.slice(-keptLines / 2);
  };

  function create(): void {
    if (behaviour.image === "missing") {
      const missing = `failed to pull and unpack image "${spec.image}": failed to resolve reference "${spec.image}": ${spec.image}: not found`;
      become({ waiting: { reason: "ErrImagePull", message: missing } });
      later(1_000, () =>
        become({
          waiting: {
            reason: "ImagePullBackOff",
            message: `Back-off pulling image "${spec.image}": ErrImagePull: ${missing}`,
          },
        }),
      );
    } else if (behaviour.image === "misconfigured") {
      become({
        waiting: { reason: "CreateContainerConfigError", message: `configmap "${spec.name}-settings" not found` },
      });
    } else {
      run();
    }
  }

  function run(): void {
    lines = [];
    startedAt = Date.now();
    say(`starting ${spec.name} ${behaviour.version}`);
    opened = open();
    become({ running: { startedAt: timestamp() } });
    if (behaviour.dies !== undefined) later(restarts === 0 ? behaviour.dies : Math.min(behaviour.dies, 300), die);
  }

  function die(): void {
    void opened?.then((close) => close(true));
    opened = undefined;
    say("panic: cannot connect to database");
    previous = lines;
    last = { exitCode: 1, reason: "Error", startedAt: timestamp(startedAt), finishedAt: timestamp() };
    become({ terminated: last });
    if (restarts === 0) {
      later(200, restart);
      return;
    }
    const seconds = backOff(restarts);
    later(200, () => {
      become({
        waiting: {
          reason: "CrashLoopBackOff",
          message: `back-off ${seconds}s restarting failed container=${spec.name} pod=${podName}`,
        },
      });
      later(seconds * 1_000, restart);
    });
  }

  function restart(): void {
    restarts += 1;
    run();
  }

  queueMicrotask(() => stopped || create()); // whoever called wants to know the container first
  return {
    spec,
    say,
    running: () => "running" in state,
    age: () => Date.now() - startedAt,
    status: (ready) => ({
      name: spec.name,
      image: spec.image,
      imageID: "",
      ready,
      started: "running" in state,
      restartCount: restarts,
      state,
      ...(last === undefined || "terminated" in state ? {} : { lastState: { terminated: last } }),
    }),
    log(wantsPrevious) {
      if (wantsPrevious && previous === undefined)
        return { refused: `previous terminated container "${spec.name}" in pod "${podName}" not found` };
      if ("waiting" in state && last === undefined)
        return {
          refused: `container "${spec.name}" in pod "${podName}" is waiting to start: ${state.waiting.message ?? state.waiting.reason}`,
        };
      return { lines: wantsPrevious && previous ? previous : lines };
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await opened?.then((close) => close(false));
    },
  };
}

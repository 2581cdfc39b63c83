import type { Config } from "../config/config.ts";
import type { Journal } from "../ports/journal.ts";
import type { Lock } from "../ports/lock.ts";
import type { Messages } from "../ports/messages.ts";
import type { Ports } from "../ports/ports.ts";
import type { Finding, Preflight } from "../ports/preflight.ts";
import type { Reporter } from "../ports/reporter.ts";
import type { TrafficHistory } from "../ports/traffic-history.ts";
import type { ClusterName } from "../release/account.ts";
import type { Plan } from "../release/plan.ts";
import type { ReleaseRecord, Run } from "../release/release-record.ts";
import type { Role, RouteChoice, Target } from "../release/target.ts";
import type { WayBack } from "../release/undoing.ts";
import type { Notice } from "../words/notice.ts";
import type { Clock } from "../world/clock.ts";
import type { Transport } from "../world/transport.ts";

/** What a command is given: the user's wishes, and the world behind ports. */
export type Session = {
  readonly config: Config;
  readonly run: Run;
  readonly cluster: ClusterName;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly reporter: Reporter;
  readonly notices: Notices;
  /** Aborts when the job is cancelled; the reason is a sentence. */
  readonly stop: AbortSignal;
  /** Aborts when whoever cancelled the job insists. */
  readonly insist: AbortSignal;
  readonly messages: Messages;
  readonly history: TrafficHistory;
  /** With `force` the lock is taken from whoever has it. */
  readonly lock: (options: { readonly force: boolean }) => Lock;
  /** The one version that has all the traffic of both; undefined while both have some, or none has. */
  readonly soleServer: (target: Target) => Promise<Role | undefined>;
  /** Where nobody has named a route: those that send to the service. */
  readonly findRoutes: (target: Target) => Promise<readonly RouteChoice[]>;
  /** The versions that have requests now, whatever a journal says. */
  readonly serving: (target: Target) => Promise<readonly Role[]>;
  /** The Services beside the one that is released; undefined where they may not be listed. */
  readonly services: () => Promise<readonly string[] | undefined>;
  /** `undo`: the version that serves is not to be gone back to, so that it may be in any state. */
  readonly preflight: (
    target: Target,
    plan: Plan,
    options: { readonly undo: boolean; readonly exchanged: boolean },
  ) => Preflight;
  /** The image in the manifest that the canary comes with; undefined where it comes with none. */
  readonly manifestImage: (target: Target) => string | undefined;
  /** What served before a release; undefined where nothing did. */
  readonly wayBack: (record: ReleaseRecord) => Promise<WayBack | undefined>;
  /** What routes and workloads are before a release: the journal keeps it. */
  readonly capture: (target: Target, plan: Plan) => Promise<ReleaseRecord["before"]>;
  /** The same, as if stable had the requests of both versions: where no journal says how it was. */
  readonly captureGivenBack: (target: Target) => Promise<ReleaseRecord["before"]>;
  /** Whether what a plan still has to judge can be judged, by the metrics of a release that has begun. */
  readonly inspectMetrics: (record: ReleaseRecord, plan: Plan) => Promise<readonly Finding[]>;
  /** The ports of one release. */
  readonly connect: (record: ReleaseRecord) => Ports;
};

/** Tells people of what began no release. Never rejects, and keeps nobody for long. */
export type Notices = { readonly tell: (notice: Notice) => Promise<void> };

/** What a plan is made with: of a cluster, or of files. */
export type PlanSession = Pick<
  Session,
  | "config"
  | "run"
  | "cluster"
  | "manifestImage"
  | "clock"
  | "stop"
  | "soleServer"
  | "preflight"
  | "messages"
  | "history"
  | "notices"
> & {
  readonly journal: Pick<Session["journal"], "load">;
};

/** What a command is given that asks no cluster. */
export type Desk = Pick<Session, "config" | "messages" | "history"> & {
  readonly readFile: (path: string) => Promise<string>;
  /** Shows a line until the next one, or takes it away. Missing where nobody looks on. */
  readonly underWay?: ((line: string | undefined) => void) | undefined;
  /** Throws where it cannot be written. */
  readonly writePage: (path: string, text: string) => void;
};

/**
 * 0 succeeded, or waiting for an approval of the plan; 1 rolled back, or a replay that differs; 2 refused and nothing
 * changed; 3 held, not settled, or could not tell: somebody has to look.
 */
export type ExitCode = 0 | 1 | 2 | 3;

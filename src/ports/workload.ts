import type { Instant } from "../lib/duration.ts";
import type { Build } from "../release/build.ts";
import type { Health } from "../release/health.ts";
import type { Split } from "../release/split.ts";
import type { Role } from "../release/target.ts";

/** The pods behind the two versions. Every effect is absolute: repeating one is harmless. */
export interface Workload {
  /**
   * Creates the canary's Deployment, or gives the existing one the image; where a build was judged already, brings that
   * back. Does not wait.
   */
  deploy(judged?: Build): Promise<void>;
  /** Gives the canary the pods that its share needs; never takes any away. */
  scale(to: Split): Promise<void>;
  /** `judged`: what the version is compared with, a stable that was updated as well. */
  health(of: Role, judged?: Build): Promise<Health>;
  /** Gives stable's Deployment the image that was judged. Does not wait. */
  updateStable(judged?: Build): Promise<void>;
  /** Gives a stable that was scaled to 0 the pods that it had before the release, at least one. Does not wait. */
  revive(): Promise<void>;
  /** After a promotion: takes the loser's pods away, unless the plan keeps them. */
  retire(loser: Role): Promise<void>;
  /** After a failure: the canary's Deployment as it was before the release, or gone if the release made it. */
  restore(): Promise<void>;
  /** Keeps what the canary's pods have said since then, for whoever tells of it. Denied logs are told, too. */
  keepLogs(since: Instant, signal: AbortSignal): Promise<void>;
  /** What another job had under way when it lost the release lands before this resolves, or never. */
  fence(): Promise<void>;
  /** What is not as it should be after a release that `winner` won. Empty when all is well. */
  differences(winner: Role): Promise<readonly string[]>;
}

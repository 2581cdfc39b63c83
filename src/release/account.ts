import type { Ledger } from "../evidence/ledger.ts";
import type { Instant } from "../lib/duration.ts";
import type { AskedWith } from "./asked-with.ts";
import type { Build } from "./build.ts";
import type { KeptLogs } from "./kept-logs.ts";
import type { Plan } from "./plan.ts";
import { plannedWeight } from "./planned-weight.ts";
import type { Reason } from "./reason.ts";
import type { LogEntry, ReleaseRecord, Run, StageRecord, UndoneRelease } from "./release-record.ts";
import type { State } from "./state.ts";
import type { Target } from "./target.ts";

/** A cluster as people know it: the kubeconfig's name for it, and the host of its API server. */
export type ClusterName = { readonly context: string; readonly host: string };

/** Everything that can be told about a release at one moment: reporters get nothing else, and need nothing else. */
export type Account = {
  readonly target: Target;
  /** Which of the two versions is stable is not as the configuration has it. */
  readonly exchanged?: boolean | undefined;
  /** Where it runs; missing where nobody said. */
  readonly cluster?: ClusterName | undefined;
  readonly undoes?: UndoneRelease | undefined;
  readonly asked?: AskedWith | undefined;
  readonly judged?: Build | undefined;
  /** What stable ran when the release began; missing where nobody knows. */
  readonly replacedImage?: string | undefined;
  readonly plan: Plan;
  readonly run: Run;
  readonly startedAt: Instant;
  readonly now: Instant;
  readonly state: State;
  /** Why the release is where it is: that of the newest decision. */
  readonly reason: Reason;
  /** The canary's planned share now, in percent. */
  readonly weight: number;
  readonly stages: readonly StageRecord[];
  readonly log: readonly LogEntry[];
  readonly ledger: Ledger;
  /** What was noticed on the way and did not stop the release. */
  readonly warnings: readonly string[];
  /** What the canary's pods said before they went; missing while nobody has read it. */
  readonly logs?: KeptLogs | undefined;
  /** Present when the job has ended: whether the cluster is as it should be, and if not, what differs. */
  readonly settled?: boolean | undefined;
  readonly differences?: readonly string[] | undefined;
  /** Why the journal does not have where the release ended; missing where it does. */
  readonly unsaved?: string | undefined;
  /** The cluster could not be read again, so that nobody knows yet. */
  readonly unread?: boolean | undefined;
};

/** What gates say by now, without their counts: a change of it is worth telling at once. */
export const judgements = ({ stages }: Account): unknown =>
  stages.map(({ verdicts }) => verdicts.map(({ gate, kind, proven }) => [gate, kind, proven]));

export const accountOf = (
  record: ReleaseRecord,
  reason: Reason,
  now: Instant,
  warnings: readonly string[],
): Account => ({
  target: record.target,
  exchanged: record.exchanged,
  undoes: record.undoes,
  asked: record.asked,
  judged: record.judged,
  replacedImage: record.before.image,
  plan: record.plan,
  run: record.run,
  startedAt: record.startedAt,
  now,
  state: record.state,
  reason,
  weight: plannedWeight(record),
  stages: record.stages,
  log: record.log,
  ledger: record.ledger,
  warnings,
});

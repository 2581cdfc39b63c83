import type { Millis } from "../lib/duration.ts";
import type { Learnt } from "./learnt.ts";
import type { Role } from "./target.ts";
import type { GateVerdict } from "./verdict.ts";

/**
 * What left a stage open that is held: too little is proven, nothing was counted, the canary gets less traffic than
 * planned, or the budget bounds the next weight though every gate passes.
 */
export type OpenQuestion = "undecided" | "no-data" | "split" | "budget";

/** The next weight is smaller than planned, because the worst case must stay within the budget. Whole percents. */
export type SmallerStep = { readonly weight: number; readonly planned: number };

/**
 * Why something was decided, as plain data that the journal keeps; words/say.ts makes the sentence. `words`, `pods` and
 * `differences` are texts from outside: of the API server, of a version's pods, of the routes.
 */
export type Reason = Cause & {
  /** What the canary's pods told when a rollback had taken its traffic already. */
  readonly lastWords?: string | undefined;
};

type Cause = OfStart | OfShift | OfStage | OfPromotion | OfRollback | OfKept | OfPlace | OfWorld | OfPeople;

type OfStart =
  | { readonly kind: "measured"; readonly words: string }
  | { readonly kind: "deploying" }
  | { readonly kind: "canary-ready"; readonly pods: string }
  /** `after`: it is not waited for any longer. */
  | { readonly kind: "canary-not-ready"; readonly pods?: string | undefined; readonly after?: Millis | undefined }
  | { readonly kind: "canary-broken"; readonly pods: string }
  | { readonly kind: "mesh-learning"; readonly left: Millis }
  | { readonly kind: "mesh-learnt" }
  | ({ readonly kind: "proxies-learnt" } & Learnt);

/** Whole percents; `mirror` of all requests are copied to the canary. */
export type PlannedShare = { readonly weight: number; readonly mirror?: number | undefined };

type OfShift = ({ readonly kind: "making-room" } & PlannedShare) | ({ readonly kind: "giving-weight" } & PlannedShare);

/** `stage` is its name. */
type OfStage =
  | { readonly kind: "stage-goes-on"; readonly stage: string; readonly left: Millis }
  | { readonly kind: "stage-extended"; readonly stage: string; readonly verdict: GateVerdict }
  | Passed
  | Held
  | { readonly kind: "gate-failed"; readonly verdict: GateVerdict }
  | {
      readonly kind: "stage-not-judged";
      readonly stage: string;
      readonly deadline: Millis;
      readonly verdict: GateVerdict;
    }
  | { readonly kind: "stage-undecided"; readonly stage: string; readonly verdict: GateVerdict }
  | { readonly kind: "pods-gone"; readonly pods: string }
  | { readonly kind: "put-back"; readonly differences: string }
  | { readonly kind: "drift"; readonly differences: string; readonly putBacks: number }
  | OfChange;

/** Somebody else changed the canary, so that what is judged is not what was deployed, or judged before. */
type OfChange =
  | { readonly kind: "canary-put-back"; readonly differences: string }
  | { readonly kind: "beginning-again" }
  | { readonly kind: "canary-changed"; readonly differences: string; readonly putBacks: number };

/** `verdict`: the stage goes on by the plan although this is open. */
export type Passed = {
  readonly kind: "stage-passed";
  readonly stage: string;
  readonly verdict?: GateVerdict | undefined;
  readonly smaller?: SmallerStep | undefined;
};

/** Somebody has to decide. */
export type Held = {
  readonly kind: "held";
  readonly stage: string;
  readonly question: OpenQuestion;
  readonly verdict: GateVerdict;
};

type OfPromotion =
  /** `atOnce`: without stages. */
  | { readonly kind: "updating-stable"; readonly atOnce?: true | undefined }
  | { readonly kind: "stable-ready"; readonly pods: string }
  /** `stuck`: it is not waited for any longer. */
  | { readonly kind: "stable-not-ready"; readonly pods?: string | undefined; readonly stuck: boolean }
  | { readonly kind: "stable-broken"; readonly pods: string }
  | { readonly kind: "stable-changed"; readonly differences: string }
  | { readonly kind: "stable-lost"; readonly pods: string }
  | { readonly kind: "canary-lost"; readonly pods: string }
  | { readonly kind: "promoted"; readonly winner: "stable" | "canary"; readonly atOnce?: true | undefined }
  | { readonly kind: "draining"; readonly left: Millis }
  | { readonly kind: "drained" }
  /** The version before serves everything again, and runs this image. */
  | { readonly kind: "undone"; readonly deployment: string; readonly image?: string | undefined }
  | { readonly kind: "retiring"; readonly loser: "stable" | "canary"; readonly kept: boolean };

type OfRollback =
  | { readonly kind: "reviving-stable" }
  /** `after`: it is not waited for any longer. */
  | { readonly kind: "stable-away"; readonly pods: string; readonly after?: Millis | undefined }
  | { readonly kind: "restoring" };

/**
 * What the routes name is not there, or nobody who could answer is behind it. `after`: it is not waited for any longer.
 */
type OfPlace = {
  readonly kind: "unserved";
  readonly version: Role;
  readonly words: string;
  readonly after?: Millis | undefined;
};

/** Somebody else's routes send requests to a version whose pods were about to go. */
type OfKept =
  | { readonly kind: "kept"; readonly version: Role; readonly differences: string }
  /** `by`: who reaches the version's pods alone, though the release never moved it. */
  | { readonly kind: "stranded"; readonly version: Role; readonly by: string };

/** Something that the outside world did not do. `lasting`: asking again will not help. */
type OfWorld =
  /** `lasted`: how long it was borne. */
  | {
      readonly kind: "trouble";
      readonly words: string;
      readonly lasting: boolean;
      readonly lasted?: Millis | undefined;
    }
  | { readonly kind: "looking-again"; readonly words: string }
  | { readonly kind: "trying-again"; readonly words: string }
  | { readonly kind: "late"; readonly deadline: Millis };

type OfPeople =
  /** `words`: who or what stopped the job. */
  | { readonly kind: "cancelled"; readonly words: string }
  | { readonly kind: "job-ended" }
  | { readonly kind: "left-half-way" }
  /** The release was held, and nobody decided in this time. */
  | { readonly kind: "hold-over"; readonly after: Millis }
  | { readonly kind: "rollback-wanted"; readonly actor?: string | undefined }
  /** The Deployment is to run the image, and to serve again. */
  | {
      readonly kind: "undo-wanted";
      readonly deployment: string;
      readonly image?: string | undefined;
      readonly actor?: string | undefined;
    }
  | { readonly kind: "approved"; readonly actor?: string | undefined }
  | { readonly kind: "taken-up"; readonly actor?: string | undefined };

/** The verdict that a reason rests on. */
export const verdictOf = (reason: Reason): GateVerdict | undefined =>
  "verdict" in reason ? reason.verdict : undefined;

/** What the canary's pods had told already when the release went back. */
export function heardInPods(reason: Reason): string | undefined {
  switch (reason.kind) {
    case "canary-broken":
    case "canary-not-ready":
    case "pods-gone":
      return reason.pods;
    default:
      return undefined;
  }
}

/** Reasons are plain JSON, written in one order. */
export const isSameReason = (one: Reason, other: Reason | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

import type { Instant } from "../lib/duration.ts";
import type { AskedGate } from "../release/gate.ts";
import type { Reading } from "../release/observation.ts";
import type { Target } from "../release/target.ts";
import type { Testers } from "../release/testers.ts";

/** What a gate is asked about. */
export type Inquiry = {
  readonly at: Instant;
  readonly target: Target;
  /** The canary's, in percent. */
  readonly weight: number;
  readonly stage: string;
  readonly testers?: readonly Testers[] | undefined;
  /** When the stage began. */
  readonly since: Instant;
};

/** Answers the gates of one kind that are the user's own. */
export interface Respondent<Asked extends AskedGate = AskedGate> {
  /**
   * The answer, or undefined while it is still being found: no look waits for a program. Rejects only when aborted; what
   * cannot be answered is a reading without a value, which says why.
   */
  ask(gate: Asked, about: Inquiry, signal: AbortSignal): Promise<Reading | undefined>;
  /** Nothing that was begun for an answer goes on. */
  end(): void;
}

/** One for each kind that is not asked of the metric source. */
export type Respondents = {
  readonly [Kind in Exclude<AskedGate["kind"], "query">]: Respondent<Extract<AskedGate, { kind: Kind }>>;
};

import type { Chance } from "../../../simulator/chance.ts";
import type { Millis } from "../../../src/lib/duration.ts";

/** What becomes of one request, as its caller's proxy counts it. */
export type Answer = {
  readonly code: string;
  readonly flags?: string;
  readonly grpc?: string;
  readonly takes: Millis;
  /** It never ends, so nobody ever counts it. */
  readonly hangs?: boolean;
  /** It reaches no pod, and is no version's. */
  readonly unsent?: boolean;
  /** Whoever called has reason to complain. */
  readonly bad: boolean;
};

/** When it comes, by the time since the canary got its first requests. */
export type Call = { readonly since: Millis; readonly chance: Chance };
export type Behaviour = (call: Call) => Answer;

/** Response times as services have them: most near the middle, and some longer, up to e^(2 · spread) times. */
export const around =
  (middle: Millis, spread = 0.25): Behaviour =>
  ({ chance }) => ({
    code: "200",
    takes: middle * Math.exp(spread * (chance.next() + chance.next() + chance.next() + chance.next() - 2)),
    bad: false,
  });

export const failing: Answer = { code: "500", takes: 15, bad: true };

/** What both versions are: 20ms, and one failure in 500. */
export const usual: Behaviour = (call) => (call.chance.happens(0.002) ? failing : around(20)(call));

/** In a part of the requests, instead of what is usual. */
export const sometimes =
  (part: number, answer: Answer | Behaviour, otherwise: Behaviour = usual): Behaviour =>
  (call) => {
    if (!call.chance.happens(part)) return otherwise(call);
    return typeof answer === "function" ? answer(call) : answer;
  };

/** Only from then on, or until then. */
export const from =
  (start: Millis, then: Behaviour, before: Behaviour = usual): Behaviour =>
  (call) =>
    call.since >= start ? then(call) : before(call);

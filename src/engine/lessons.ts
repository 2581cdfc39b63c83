import type { Instant, Millis } from "../lib/duration.ts";
import type { Ports } from "../ports/ports.ts";
import type { Decision } from "../release/decision.ts";
import { isLearnt, type Learners, type Learnt, type Lesson } from "../release/learnt.ts";
import type { Plan } from "../release/plan.ts";
import type { State } from "../release/state.ts";
import { within } from "../world/within.ts";

/** Looks beside the release at how what it wrote comes to the proxies of the mesh. Nothing waits for a look. */
export interface Lessons {
  /** Begins a lesson where something was written, in the place of the one before. */
  after(decision: Decision, before: State, now: State): void;
  /** The lesson that goes on, or the one that ended last. */
  newest(): { readonly learning?: Instant | undefined; readonly learnt?: Learnt | undefined };
  /** What ended since this was asked last. */
  news(): Learnt | undefined;
  end(): void;
}

/** Between the first looks; each pause is twice as long as the one before. */
const firstPause: Millis = 100;
const longestPause: Millis = 1_000;

/** Looks at which nobody could be read: what is not known by then is not waited for. */
const mostUnknown = 5;

const silence: Learners = {
  gateways: 0,
  callers: 0,
  without: [],
  unread: 0,
  because: "the proxies have not answered yet",
};

export function lessons({ proxies, clock }: Pick<Ports, "proxies" | "clock">, plan: Plan): Lessons {
  let over = new AbortController();
  let until: Instant | undefined;
  let learnt: Learnt | undefined;
  let untold: Learnt | undefined;

  function begin(lesson: Lesson, limit: Millis): void {
    end();
    const { signal } = over;
    learnt = undefined;
    if (proxies === undefined || limit === 0) return;
    const begun = clock.now();
    until = begun + limit;
    const { look } = proxies.teach(lesson);
    const heard = (learners: Learners): void => {
      if (signal.aborted) return;
      const at = clock.now();
      [until, learnt] = [undefined, { ...learners, lesson, at, after: at - begun }];
      untold = learnt;
    };
    lookOn(look, begun + limit, signal).then(heard, () => undefined); // aborted
  }

  async function lookOn(
    look: (signal: AbortSignal) => Promise<Learners>,
    end: Instant,
    signal: AbortSignal,
  ): Promise<Learners> {
    let newest = silence;
    let unknown = 0;
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      newest = (await within(look(signal), Math.max(0, end - clock.now()), clock)) ?? newest;
      const isLast = clock.now() + pause > end;
      if (newest.because !== undefined) unknown++;
      if (signal.aborted || isLearnt(newest) || unknown >= mostUnknown || isLast) return newest;
      await clock.sleepUntil(clock.now() + pause, signal);
    }
  }

  function end(): void {
    over.abort("superseded");
    over = new AbortController();
    until = undefined;
  }

  return {
    after(decision, before, now) {
      if (decision.do === "route") begin("routes", plan.meshDelay);
      // Whoever loses keeps its pods as long: who still sends requests there is found until then.
      else if (decision.do === "finish") begin("routes", Math.max(plan.meshDelay, plan.drain));
      else if (isSettling(now) && !isSettling(before)) begin(lessonOf(now), plan.meshDelay);
      else if (isSettling(before) && !isSettling(now)) end();
    },
    newest: () => ({ learning: until, learnt }),
    news() {
      const news = untold;
      untold = undefined;
      return news;
    },
    end,
  };
}

const isSettling = (state: State): boolean => "step" in state && state.step === "settling";

const lessonOf = ({ phase }: State): Lesson => (phase === "promoting" ? "stable" : "canary");

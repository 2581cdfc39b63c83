import type { Instant, Millis } from "../lib/duration.ts";
import { lookAgain, verdictsOn } from "./bake.ts";
import { maxPutBacks } from "./change.ts";
import type { Decision } from "./decision.ts";
import { failed, keepForStranded } from "./give-up.ts";
import { canServe, type Health } from "./health.ts";
import { lookIn, type Observation, type RollingBackLook } from "./observation.ts";
import { drained, readyPoll } from "./pause.ts";
import type { Plan } from "./plan.ts";
import { heardInPods, type Reason } from "./reason.ts";
import type { RollbackStep, RollingBack, State } from "./state.ts";

/** The next step of a rollback: traffic first, then everything else. */
export function giveBack(plan: Plan, state: RollingBack, observation: Observation): Decision {
  const { now, trouble } = observation;
  const look = observation.look && lookIn("rolling-back", observation.look);
  switch (state.step) {
    case "returning":
      return (look && awaitTaker(plan, state, now, look)) ?? finish(state, now);
    case "draining": {
      const told = { ...state, reason: withLastWords(state.reason, look?.canary) };
      return (
        reviveStable(state, now, look) ??
        putBack(state, now, look) ??
        drained(plan, state.since, observation, to(told, "retiring", now))
      );
    }
    case "retiring":
      if (!look && trouble) return lookAgain(plan, now, trouble);
      return (
        reviveStable(state, now, look) ??
        putBack(state, now, look) ??
        keepPods(plan, state, look) ??
        awaitPods(plan, state, observation, look) ??
        keepForStranded(plan, state, "canary", look?.stranded) ??
        restore(state)
      );
  }
}

const to = (state: RollingBack, step: RollbackStep, now: Instant): State => ({ ...state, step, since: now });

const finish = (state: RollingBack, now: Instant): Decision => ({
  do: "finish",
  winner: "stable",
  next: to(state, state.served ? "draining" : "retiring", now),
  reason: state.reason,
});

const restore = ({ reason }: RollingBack): Decision => ({
  do: "restore",
  next: { phase: "rolled-back", reason },
  reason: { kind: "restoring" },
});

/**
 * A stable without pods would answer nothing at all, so a canary that answers something keeps its traffic until there
 * are some. One that somebody scaled to 0 gets the pods that it had before the release.
 */
function awaitTaker(plan: Plan, state: RollingBack, now: Instant, look: RollingBackLook): Decision | undefined {
  const { stable, canary } = look;
  if (!stable?.had || stable.available > 0) return undefined;
  const revival = reviveStable(state, now, look);
  if (revival) return revival;
  if (!canary?.available) return undefined; // nobody answers: then those do who should
  const after = now - state.since;
  if (stable.unreached && (isBad(state.reason) || isUnjudged(look, plan.patience, after))) return undefined;
  const failure = stable.unreached && failureOf(plan, look);
  if (failure) return { ...finish(state, now), reason: failure };
  const reason = { kind: "stable-away", pods: stable.because } as const;
  if (after >= plan.ready) return failed(plan, state, { ...reason, after: plan.ready });
  return { do: "wait", until: now + readyPoll(plan), reason };
}

/** Whatever the step: all requests go to stable, or are about to. */
function reviveStable(state: RollingBack, now: Instant, look: RollingBackLook | undefined): Decision | undefined {
  const { putBacks = 0 } = state;
  if (!look?.stable?.had || look.stable.desired > 0 || putBacks >= maxPutBacks) return undefined;
  return {
    do: "revive",
    next: { ...state, since: now, putBacks: putBacks + 1 },
    reason: { kind: "reviving-stable" },
  };
}

/** The canary's pods are put back last, when stable, which has all requests, has a pod; without any itself, at last. */
function awaitPods(
  plan: Plan,
  state: RollingBack,
  { now, insisted }: Observation,
  look: RollingBackLook | undefined,
): Decision | undefined {
  const { stable, canary } = look ?? {};
  if (!stable?.had || canServe(stable)) return undefined;
  const after = now - state.since;
  const reason: Reason = { kind: "unserved", version: "stable", words: stable.because };
  if (!insisted && after < plan.ready) return { do: "wait", until: now + readyPoll(plan), reason };
  return canary?.available ? failed(plan, state, { ...reason, after }) : undefined;
}

/**
 * Pods come by themselves. A subset or a Service comes by somebody's hand, and who knows when: a canary that nobody wants
 * does not serve until then, and stable does at once.
 */
const isBad = ({ kind }: Reason): boolean =>
  kind === "gate-failed" || kind === "canary-broken" || kind === "rollback-wanted";

/** Of which nothing is known, and will not be: nobody counts for it, or could for as long as trouble is borne. */
const isUnjudged = ({ counted }: RollingBackLook, patience: Millis, after: Millis): boolean =>
  counted === undefined || ("uncounted" in counted.counts && after >= patience);

/** A canary that keeps its requests goes on being judged: it went back for another reason, and may be bad all the same. */
function failureOf(plan: Plan, { canary, counted }: RollingBackLook): Reason | undefined {
  if (canary?.fatal !== undefined) return { kind: "canary-broken", pods: canary.fatal };
  const verdicts = counted && verdictsOn(plan, counted.stage, counted, canary);
  const verdict = verdicts?.find(({ kind }) => kind === "fail");
  return verdict && { kind: "gate-failed", verdict };
}

/** Whatever the policy for a stage: a version that was given up has no traffic. */
function putBack(state: RollingBack, now: Instant, look: RollingBackLook | undefined): Decision | undefined {
  const { putBacks = 0 } = state;
  if (!isServed(look) || putBacks >= maxPutBacks) return undefined;
  return {
    do: "finish",
    winner: "stable",
    next: { ...state, step: "draining", since: now, putBacks: putBacks + 1 },
    reason: { kind: "put-back", differences: look.strayed.differences },
  };
}

const keepPods = (plan: Plan, state: RollingBack, look: RollingBackLook | undefined): Decision | undefined =>
  isServed(look)
    ? failed(plan, state, { kind: "kept", version: "canary", differences: look.strayed.differences })
    : undefined;

type ServedCanary = RollingBackLook & { readonly strayed: NonNullable<RollingBackLook["strayed"]> };

const isServed = (look: RollingBackLook | undefined): look is ServedCanary =>
  look?.strayed?.serving.includes("canary") ?? false;

/**
 * A canary that dies is taken out before Kubernetes has told why it died; once the traffic is off there is time to ask.
 */
function withLastWords(reason: Reason, canary: Health | undefined): Reason {
  if (!canary || canary.ready) return reason;
  const lastWords = canary.fatal ?? canary.because;
  return heardInPods(reason)?.includes(lastWords) ? reason : { ...reason, lastWords };
}

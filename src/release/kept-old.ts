import type { Instant } from "../lib/duration.ts";
import type { ReleaseRecord } from "./release-record.ts";
import type { State } from "./state.ts";

/** Until when the old version keeps its pods; undefined where it has none, or keeps them for good. */
export const keptUntil = (state: State): Instant | undefined =>
  state.phase === "succeeded" ? state.keptUntil : undefined;

/** The release with its last step still to be done: the old version rests at zero after it. */
export const withoutOld = (record: ReleaseRecord, now: Instant): ReleaseRecord => ({
  ...record,
  plan: { ...record.plan, keepOld: false, keepFor: undefined },
  state: { phase: "promoting", step: "retiring", since: now },
});

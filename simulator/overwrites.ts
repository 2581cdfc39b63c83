import type { Instant } from "../src/lib/duration.ts";
import type { ReleaseRecord } from "../src/release/release-record.ts";
import { isOutcome } from "../src/release/state.ts";

/** Weights of somebody else's that a job wrote over. */
export interface Overwrites {
  /** How the route was before anybody's release. */
  found(text: string): void;
  /** The route was written; `text` tells its weights. */
  onRoute(text: string, writer: "job" | "somebody else", at: Instant): void;
  onJournal(record: ReleaseRecord | undefined): void;
  /** What was written over, and no journal says so. */
  readonly untold: () => string | undefined;
}

/** Whoever ends what another job has begun by hand has said so. */
const goesOn = ({ state, plan }: ReleaseRecord): boolean =>
  state.phase === "promoting" ||
  state.phase === "rolling-back" ||
  state.phase === "baking" ||
  (state.phase === "shifting" && plan.stages.length > 0);

export function overwritesOf(): Overwrites {
  let record: ReleaseRecord | undefined;
  let ours: string | undefined;
  let theirs: string | undefined;
  let over: { readonly text: string; readonly at: Instant } | undefined;

  return {
    found(text) {
      ours = text;
    },
    onRoute(text, writer, at) {
      if (writer === "job") {
        if (theirs !== undefined && theirs !== text && record && goesOn(record))
          over ??= { text: `${theirs} became ${text}`, at };
        [ours, theirs] = [text, undefined];
      } else theirs = ours === undefined || text === ours ? undefined : text;
    },
    onJournal(newest) {
      // What somebody wrote before a release began is what it begins with.
      if (newest?.state.phase === "preparing" && (record === undefined || isOutcome(record.state))) theirs = undefined;
      record = newest;
      if (over !== undefined && (newest === undefined || isTold(newest, over.at))) over = undefined;
    },
    untold: () => over?.text,
  };
}

/** What is decided is told before it is done, and journaled afterwards. */
const isTold = ({ log, state }: ReleaseRecord, at: Instant): boolean =>
  (state.phase === "rolling-back" && state.reason.kind === "drift") ||
  log.some((entry) => entry.reason.kind === "put-back" && entry.at > at - 120_000);

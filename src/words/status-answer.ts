import * as z from "zod/mini";
import type { Instant } from "../lib/duration.ts";
import type { ClusterName } from "../release/account.ts";
import { endReason } from "../release/end-reason.ts";
import { knownImage } from "../release/known-image.ts";
import type { Plan } from "../release/plan.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { LogEntry, ReleaseRecord, StageRecord } from "../release/release-record.ts";
import { splitAt } from "../release/split.ts";
import { heldBy, isOver, isRunning, type State } from "../release/state.ts";
import { countSchema, splitSchema, subjectSchema, textSchema, versionsOf, versionsSchema } from "./answer-parts.ts";
import { observedSplit } from "./observed-split.ts";
import { say, sayEntry } from "./say.ts";
import type { Deviation } from "./status-text.ts";
import { verdictSentence } from "./verdict-sentence.ts";

const time = z.iso.datetime();

const stage = z.strictObject({
  number: countSchema,
  of: countSchema,
  name: z.string(),
  weight: countSchema,
  since: time,
  until: z.optional(time),
  gates: z.array(
    z.strictObject({
      name: z.string(),
      verdict: z.enum(["pass", "wait", "fail", "no-data"]),
      because: z.string(),
    }),
  ),
});

const outcomes = ["succeeded", "rolled-back", "failed"] as const;

const release = z.strictObject({
  ...subjectSchema.shape,
  ...versionsSchema.shape,
  phase: z.enum(["preparing", "shifting", "baking", "waiting", "promoting", "rolling-back", ...outcomes]),
  outcome: z.nullable(z.enum([...outcomes, "waiting"])),
  held: z.boolean(),
  watched: z.nullable(z.boolean()),
  because: z.string(),
  weight: countSchema,
  splits: z.strictObject({
    planned: splitSchema,
    observed: z.nullable(
      z.strictObject({
        ...splitSchema.shape,
        requests: z.strictObject({ stable: z.number(), canary: z.number() }),
      }),
    ),
  }),
  stage: z.nullable(stage),
  stages: z.array(stage),
  settled: z.nullable(z.boolean()),
  drift: z.nullable(z.string()),
  differences: z.array(z.string()),
  startedAt: time,
  run: z.strictObject({ id: textSchema, url: z.optional(z.string()), actor: z.optional(z.string()) }),
  undo: z.boolean(),
  events: z.array(z.strictObject({ at: time, because: z.string() })),
});

const none = z.strictObject({
  ...subjectSchema.shape,
  phase: z.literal("none"),
  outcome: z.null(),
  settled: z.boolean(),
  differences: z.array(z.string()),
});

/** What `status --json` says: of the newest release, or that there never was one. docs/json.md */
export const statusSchema = z.discriminatedUnion("phase", [none, release]);
export type StatusAnswer = z.infer<typeof statusSchema>;

/** Not the journal: what it keeps, and how, is the program's own business, and it may have the user's manifests in it. */
export function statusAnswer(cluster: ClusterName, record: ReleaseRecord, deviation: Deviation): StatusAnswer {
  const { drift, differences, watched } = deviation;
  const { target, exchanged, state, plan, startedAt, undoes, log } = record;
  const { id, url, actor } = record.run;
  const weight = plannedWeight(record);
  const stages = record.stages.map((entered) => stageAnswer(entered, plan));
  const newest = record.stages.at(-1);
  return {
    version: 1,
    cluster: { context: cluster.context, host: cluster.host },
    namespace: target.namespace,
    service: target.service,
    ...versionsOf(target, knownImage(record), exchanged),
    phase: state.phase,
    outcome: outcomeOf(state),
    held: heldBy(state) !== undefined,
    watched: watched ?? null,
    because: becauseOf(record),
    weight,
    splits: { planned: splitAt(weight), observed: (newest && observedSplit(newest)) ?? null },
    stage: stages.at(-1) ?? null,
    stages,
    settled: settledOf(state, deviation),
    drift: drift ?? null,
    differences: [...differences],
    startedAt: timeOf(startedAt),
    run: { id, url, actor },
    undo: undoes !== undefined,
    events: log.map((entry) => ({ at: timeOf(entry.at), because: sayEntry(entry, record) })),
  };
}

export const noReleaseAnswer = (
  cluster: ClusterName,
  { namespace, service }: { readonly namespace: string; readonly service: string },
  differences: readonly string[],
): StatusAnswer => ({
  version: 1,
  cluster: { context: cluster.context, host: cluster.host },
  namespace,
  service,
  phase: "none",
  outcome: null,
  settled: differences.length === 0,
  differences: [...differences],
});

/** As the output of the action says it. */
function outcomeOf(state: State): z.infer<typeof release>["outcome"] {
  if (isRunning(state)) return null;
  return state.phase;
}

/** Null while it runs: nobody knows yet. */
function settledOf(state: State, { drift, differences }: Deviation): boolean | null {
  if (isRunning(state)) return null;
  return (isOver(state) || state.phase === "waiting") && drift === undefined && differences.length === 0;
}

function becauseOf(record: ReleaseRecord): string {
  if (isOver(record.state) || "reason" in record.state) return say(endReason(record), record);
  const newest: LogEntry | undefined = record.log.at(-1);
  if (newest) return say(newest.reason, record);
  return "";
}

const stageAnswer = (entered: StageRecord, { stages }: Plan): z.infer<typeof stage> => ({
  number: entered.stage + 1,
  of: stages.length,
  name: entered.name,
  weight: entered.weight,
  since: timeOf(entered.since),
  until: entered.until === undefined ? undefined : timeOf(entered.until),
  gates: entered.verdicts.map((verdict) => ({
    name: verdict.gate,
    verdict: verdict.kind,
    because: verdictSentence(verdict),
  })),
});

const timeOf = (at: Instant): string => new Date(at).toISOString();

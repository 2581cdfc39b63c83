import * as z from "zod/mini";
import { complaintOf } from "../lib/complaint.ts";
import { RefusedError, tell } from "../lib/errors.ts";
import type { Replayable } from "../rehearsal/replay-ledger.ts";
import { evidenceFiguresSchema, evidenceRulesSchema, judgementSchema, ledgerSchema } from "../release/record-schema.ts";

/** Of a report what a replay needs. Numbers are read as they are: JSON keeps every bit of them. */
export type ReplayedReport = Replayable & { readonly target: { readonly namespace: string; readonly service: string } };

/** Gates other than those of evidence do not follow from a ledger; of their verdicts only the kind is read. */
const otherFigures = z.object({ of: z.enum(["errors", "latency", "query", "restarts", "budget"]) });

const report = z.object({
  version: z.literal(1),
  account: z.object({
    target: z.object({ namespace: z.string(), service: z.string() }),
    plan: z.object({
      evidence: evidenceRulesSchema,
      stages: z.array(z.object({ gates: z.array(z.object({ kind: z.string(), name: z.string() })) })),
    }),
    stages: z.array(
      z.object({
        stage: z.number(),
        name: z.string(),
        weight: z.number(),
        polls: z.number(),
        verdicts: z.array(
          z.object({ ...judgementSchema.shape, figures: z.union([evidenceFiguresSchema, otherFigures]) }),
        ),
      }),
    ),
    ledger: ledgerSchema,
  }),
});

/** Throws a RefusedError where the text is no report. */
export function readReport(text: string, path: string): ReplayedReport {
  const read = z.safeParse(report, parse(text, path));
  if (read.success) return read.data.account;
  throw noReport(path, complaintOf(read.error, "the file"));
}

export const noReport = (path: string, why: string, cause?: unknown): RefusedError =>
  new RefusedError(`${path} is no report of a release: ${why}`, {
    next: "Give the path of a canary-report.json that this program wrote: replay REPORT.",
    cause,
  });

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw noReport(path, tell(error), error);
  }
}

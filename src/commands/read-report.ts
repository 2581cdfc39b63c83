import * as z from "zod/mini";
import { complaintOf } from "../lib/complaint.ts";
import { isMissingFile, RefusedError, tell } from "../lib/errors.ts";
import type { Replayable } from "../rehearsal/replay-ledger.ts";
import {
  evidenceFiguresSchema,
  evidenceRulesSchema,
  instantSchema,
  judgementSchema,
  ledgerSchema,
  planSchema,
} from "../release/record-schema.ts";
import type { PagedReport } from "../words/page/paged-report.ts";
import { reportElement } from "../words/page/report-page.ts";
import type { Desk } from "./session.ts";

/** Of a report what a replay needs. Numbers are read as they are: JSON keeps every bit of them. */
export type ReplayedReport = Replayable & { readonly target: { readonly namespace: string; readonly service: string } };

/** Gates other than those of evidence do not follow from a ledger; of their verdicts only the kind is read. */
const otherFigures = z.object({ of: z.enum(["errors", "latency", "query", "restarts", "budget"]) });

const counted = z.object({ requests: z.number(), errors: z.number() });

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

/** What a command at a desk is given to read. */
export async function reportText({ config, readFile }: Pick<Desk, "config" | "readFile">): Promise<string> {
  const path = config.reporting.report;
  return readFile(path).catch((error: unknown) => {
    throw noReport(path, isMissingFile(error) ? "there is no such file" : `it cannot be read: ${tell(error)}`, error);
  });
}

/** What the page of a release shows. */
const pagedReport = z.object({
  version: z.literal(1),
  account: z.object({
    headline: z.object({ mark: z.string(), words: z.string() }),
    because: z.string(),
    target: z.object({
      namespace: z.string(),
      service: z.string(),
      stable: z.object({ deployment: z.string() }),
      canary: z.object({ deployment: z.string() }),
      image: z.optional(z.string()),
    }),
    cluster: z.optional(z.object({ context: z.string(), host: z.string() })),
    run: z.object({ id: z.string(), url: z.optional(z.string()), actor: z.optional(z.string()) }),
    startedAt: instantSchema,
    now: instantSchema,
    weight: z.number(),
    settled: z.optional(z.boolean()),
    differences: z.optional(z.array(z.string())),
    warnings: z.array(z.string()),
    plan: planSchema,
    stages: z.array(
      z.object({
        stage: z.number(),
        weight: z.number(),
        since: instantSchema,
        until: z.optional(instantSchema),
        tally: z.object({ stable: counted, canary: counted }),
        verdicts: z.array(z.object({ gate: z.string(), kind: z.string(), because: z.string() })),
      }),
    ),
    log: z.array(z.object({ at: instantSchema, do: z.string(), because: z.string(), times: z.optional(z.number()) })),
    ledger: ledgerSchema,
  }),
});

/** Throws a RefusedError where the text is no report. */
export const readReport = (text: string, path: string): ReplayedReport =>
  readAs(report, parse(text, path), path).account;

/** The same for the page, with the report as it is. */
export function readPagedReport(text: string, path: string): { readonly account: PagedReport; readonly json: unknown } {
  const json = parse(text, path);
  return { account: readAs(pagedReport, json, path).account, json };
}

function readAs<Schema extends z.ZodMiniType>(schema: Schema, json: unknown, path: string): z.infer<Schema> {
  const read = z.safeParse(schema, json);
  if (read.success) return read.data;
  throw noReport(path, complaintOf(read.error, "the file"));
}

export const noReport = (path: string, why: string, cause?: unknown): RefusedError =>
  new RefusedError(`${path} is no report of a release: ${why}`, {
    next: "Give the path of a canary-report.json that this program wrote, or of its page: replay REPORT.",
    cause,
  });

/** A page has its report in it. */
function parse(text: string, path: string): unknown {
  const [, inPage] = new RegExp(`<script type="application/json" id="${reportElement}">(.*)</script>`).exec(text) ?? [];
  try {
    return JSON.parse(inPage ?? text);
  } catch (error) {
    throw noReport(path, tell(error), error);
  }
}

import * as z from "zod/mini";
import { grounds } from "../evidence/conclusion.ts";
import { findings } from "../evidence/weight.ts";
import { RefusedError, tell } from "../lib/errors.ts";
import type { Replayable } from "../rehearsal/replay-ledger.ts";
import { policies } from "../release/gate.ts";

/** Of a report what a replay needs. Numbers are read as they are: JSON keeps every bit of them. */
export type ReplayedReport = Replayable & { readonly target: { readonly namespace: string; readonly service: string } };

const number = z.number();
const pair = z.object({ stable: number, canary: number });
const counted = z.object({ requests: pair, errors: pair });
const mixture = z.object({ logs: z.array(number), rests: z.array(number) });
const edge = z.object({ le: number, count: number });

const evidence = z.object({
  polls: number,
  age: number,
  seen: counted,
  judged: counted,
  harm: mixture,
  safe: mixture,
  harmless: mixture,
  ratio: mixture,
  objective: mixture,
  breaker: mixture,
  sound: mixture,
  excess: z.object({ above: number, requests: number }),
  split: z.object({
    weight: z.exactOptional(number),
    since: number,
    settled: z.boolean(),
    requests: pair,
    lost: number,
    earlier: z.object({ more: number, less: number }),
  }),
  latency: z.object({
    profile: z.object({ requests: number, slower: z.array(edge) }),
    edges: z.exactOptional(z.array(z.object({ le: number, mixture, requests: pair, slow: pair }))),
  }),
});

const settings = z.object({
  alpha: number,
  beta: number,
  allowedIncrease: number,
  minExcess: number,
  safeRatio: number,
  latencyMargin: number,
  requires: z.enum(["safe", "sound"]),
  scrape: number,
  warmUp: number,
  objective: z.exactOptional(number),
  breaker: z.object({ alpha: number, floor: number, timesStable: number }),
  split: z.object({ alpha: number, tolerance: number }),
  shares: z.object({ errors: number, latency: number, objective: number }),
  dispersion: z.object({ kind: z.enum(["tempered", "beta-binomial"]), phi: number }),
  latencyPhi: number,
});

const policy = z.enum(policies);

const logE = z.nullable(number);

const conclusion = z.object({
  kind: z.enum(["fail", "pass", "inconclusive", "no-data"]),
  finding: z.enum(findings),
  by: z.enum(grounds),
  polls: number,
  seen: counted,
  judged: counted,
  split: z.object({ planned: number, requests: pair, lost: number }),
  slower: z.exactOptional(z.object({ than: number, slow: pair, requests: pair })),
  warmUpLeft: number,
  ratio: z.object({
    low: z.exactOptional(number),
    high: z.exactOptional(number),
    estimate: z.exactOptional(number),
  }),
  weight: z.object({
    harm: logE,
    metrics: z.object({ errors: logE, latency: logE, objective: logE }),
    safe: logE,
    sound: logE,
    breaker: logE,
  }),
  bounds: z.object({
    alpha: number,
    beta: number,
    objective: settings.shape.objective,
    safeRatio: number,
    minExcess: number,
    breaker: settings.shape.breaker,
    split: settings.shape.split,
    dispersion: settings.shape.dispersion,
  }),
});

const verdict = z.object({
  gate: z.string(),
  kind: z.enum(["pass", "wait", "fail", "no-data"]),
  policy: z.exactOptional(policy),
  proven: z.exactOptional(z.boolean()),
  figures: z.union([
    z.object({ of: z.literal("evidence"), conclusion }),
    z.object({ of: z.literal("evidence"), missing: z.object({ what: z.literal("counters"), words: z.string() }) }),
    z.object({ of: z.enum(["errors", "latency", "query", "restarts", "budget"]) }), // do not follow from a ledger
  ]),
});

const report = z.object({
  version: z.literal(1),
  account: z.object({
    target: z.object({ namespace: z.string(), service: z.string() }),
    plan: z.object({
      evidence: z.object({
        settings,
        measured: z.boolean(),
        inconclusive: policy,
        noData: policy,
        early: z.boolean(),
        budget: z.exactOptional(number),
      }),
      stages: z.array(z.object({ gates: z.array(z.object({ kind: z.string(), name: z.string() })) })),
    }),
    stages: z.array(
      z.object({ stage: number, name: z.string(), weight: number, polls: number, verdicts: z.array(verdict) }),
    ),
    ledger: z.object({
      folded: z.exactOptional(evidence),
      edges: z.array(z.array(number)),
      polls: z.array(z.string()),
    }),
  }),
});

/** Throws a RefusedError where the text is no report. */
export function readReport(text: string, path: string): ReplayedReport {
  const read = z.safeParse(report, parse(text, path));
  if (read.success) return read.data.account;
  const [issue] = read.error.issues;
  throw noReport(path, `${issue?.path.join(".") || "the file"}: ${issue?.message}`);
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

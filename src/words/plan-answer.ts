import * as z from "zod/mini";
import type { Gate } from "../release/gate.ts";
import type { CanarySource } from "../release/target.ts";
import { countSchema, millisSchema, subjectSchema, textSchema, versionsOf, versionsSchema } from "./answer-parts.ts";
import type { PlannedRelease } from "./plan-text.ts";

const limit = z.optional(z.number());

const gate = z.strictObject({
  kind: z.enum(["evidence", "errors", "latency", "query", "json", "run", "restarts"]),
  name: z.string(),
  atMost: limit,
  atLeast: limit,
  aboveStable: limit,
  timesStable: limit,
  quantile: limit,
});

const detection = z.strictObject({
  ratio: z.number(),
  found: z.number(),
  badRequests: z.number(),
  medianTime: z.optional(millisSchema),
});

const detectability = z.union([
  z.strictObject({ because: textSchema }),
  z.strictObject({
    traffic: z.strictObject({ rate: z.number(), baseline: z.number() }),
    spread: z.optional(
      z.strictObject({
        pods: countSchema,
        errors: z.number(),
        slow: z.readonly(z.array(z.strictObject({ le: z.number(), spread: z.number() }))),
      }),
    ),
    thin: z.optional(
      z.strictObject({
        weight: countSchema,
        deadline: millisSchema,
        takes: z.optional(z.number()),
        requests: z.optional(countSchema),
        enough: z.optional(countSchema),
      }),
    ),
    runs: countSchema,
    seed: countSchema,
    smallest: z.optional(detection),
    dead: detection,
    safeAfter: z.optional(millisSchema),
    better: z.optional(z.strictObject({ weight: countSchema, wait: millisSchema, ratio: z.number() })),
  }),
]);

/** What `plan --json` says. docs/json.md */
export const planSchema = z.strictObject({
  ...subjectSchema.shape,
  ...versionsSchema.shape,
  from: z.enum(["existing", "clone", "manifests"]),
  objects: z.array(z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string() })),
  allowed: z.boolean(),
  findings: z.array(
    z.strictObject({
      level: z.enum(["refuse", "warn", "note"]),
      because: textSchema,
      next: z.optional(z.string()),
      code: z.optional(z.string()),
    }),
  ),
  stages: z.array(
    z.strictObject({
      number: countSchema,
      name: z.string(),
      weight: countSchema,
      wait: millisSchema,
      deadline: millisSchema,
      approval: z.boolean(),
      gates: z.array(gate),
    }),
  ),
  promotion: z.enum(["swap", "update"]),
  keepOld: z.boolean(),
  drift: z.enum(["put-back", "rollback"]),
  pollEvery: millisSchema,
  ready: millisSchema,
  drain: millisSchema,
  deadline: millisSchema,
  detectability,
});
export type PlanAnswer = z.infer<typeof planSchema>;

/** Of the user's manifests only what they are, and of queries nothing: both may hold more than a log should show. */
export function planAnswer({
  cluster,
  target,
  manifestImage,
  exchanged,
  plan,
  detectability,
  ...found
}: PlannedRelease): PlanAnswer {
  return {
    version: 1,
    cluster: { context: cluster.context, host: cluster.host },
    namespace: target.namespace,
    service: target.service,
    ...versionsOf(target, target.image ?? manifestImage, exchanged),
    from: target.source.from,
    objects: objectsOf(target.source),
    allowed: found.allowed,
    findings: found.findings.map(({ level, what, next, code }) => ({ level, because: what, next, code })),
    stages: plan.stages.map(({ name, weight, wait, deadline, approval, gates }, index) => ({
      number: index + 1,
      name,
      weight,
      wait,
      deadline,
      approval,
      gates: gates.map(gateAnswer),
    })),
    promotion: plan.promotion,
    keepOld: plan.keepOld,
    drift: plan.drift,
    pollEvery: plan.pollEvery,
    ready: plan.ready,
    drain: plan.drain,
    deadline: plan.deadline,
    detectability,
  };
}

/** The limits that it has. */
function gateAnswer(gate: Gate): PlanAnswer["stages"][number]["gates"][number] {
  const limits: { readonly [limit: string]: unknown } = { ...gate };
  const numbers = ["atMost", "atLeast", "aboveStable", "timesStable", "quantile"].flatMap((name) =>
    typeof limits[name] === "number" ? [[name, limits[name]]] : [],
  );
  return { kind: gate.kind, name: gate.name, ...Object.fromEntries(numbers) };
}

function objectsOf(source: CanarySource): PlanAnswer["objects"] {
  if (source.from !== "manifests") return [];
  return source.objects.map(({ apiVersion, kind, metadata }) => ({
    apiVersion: String(apiVersion),
    kind: String(kind),
    name: nameIn(metadata),
  }));
}

const nameIn = (metadata: unknown): string =>
  typeof metadata === "object" && metadata !== null && "name" in metadata ? String(metadata.name) : "";

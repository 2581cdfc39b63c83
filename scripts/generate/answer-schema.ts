import * as z from "zod/mini";
import { planSchema } from "../../src/words/plan-answer.ts";
import { statusSchema } from "../../src/words/status-answer.ts";

const textOf = (title: string, schema: z.core.$ZodType): string =>
  `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: "output" }) }, null, 2)}\n`;

/** What commands with `--json` say, as JSON schemas, by file. */
export const answerSchemas = (): Readonly<Record<string, string>> => ({
  "docs/plan.schema.json": textOf("istio-canary plan --json", planSchema),
  "docs/status.schema.json": textOf("istio-canary status --json", statusSchema),
});

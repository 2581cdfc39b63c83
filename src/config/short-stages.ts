import * as z from "zod/mini";
import type { Millis } from "../lib/duration.ts";
import type { Drill } from "../release/plan.ts";
import { duration, weight } from "./values.ts";
import type { WrittenGate } from "./written-gate.ts";

/** A stage as somebody wrote it, in short or in full. */
export type WrittenStage = {
  readonly name?: string;
  readonly weight: number;
  readonly wait?: Millis | undefined;
  readonly deadline?: Millis;
  readonly gates?: readonly WrittenGate[];
  readonly approval?: boolean;
  readonly drill?: Drill;
  readonly mirror?: number;
};

export const mostStages = 200;
export const tooManyStages = { error: `expected at most ${mostStages} stages` };

const form = { error: "expected a weight and a time, such as 10:2m" };

/** One stage in short: `10:2m`, or `100` without a time. */
export const shortStage = z.pipe(
  z.union([z.string(), z.number()], form),
  z.transform((written, context): WrittenStage => {
    const [share, time, ...rest] = String(written).trim().split(":");
    const parsed = { weight: z.safeParse(weight, share), wait: z.safeParse(z.optional(duration), time) };
    if (rest.length === 0 && parsed.weight.success && parsed.wait.success) {
      return { weight: parsed.weight.data, wait: parsed.wait.data };
    }
    context.issues.push({ code: "custom", input: written, message: form.error });
    return z.NEVER;
  }),
);

/** A comma, a new line, or a comma at the end of a line. */
const between = /,[ \t\r]*\n|[,\n]/;

/** A whole plan in short: `10:2m, 50:5m, 100`, separated by commas or lines. */
export const shortStages = z.pipe(
  z.union([z.string(), z.number()], { error: "expected stages such as 10:2m, 50:5m, 100" }),
  z.transform((written, context): readonly WrittenStage[] => {
    const parts = String(written)
      .trim()
      .replace(/(?<=\n.*),$/, "")
      .split(between);
    if (parts.length > mostStages)
      context.issues.push({ code: "custom", input: written, message: tooManyStages.error });
    return parts.slice(0, mostStages).flatMap((part, index) => {
      const stage = z.safeParse(shortStage, part.trim());
      if (stage.success) return [stage.data];
      context.issues.push({ code: "custom", input: part.trim(), path: [index], message: form.error });
      return [];
    });
  }),
);

import * as z from "zod/mini";
import type { Target, Version } from "../release/target.ts";

/* What `plan --json` and `status --json` have in common. Keys are added; one that changes its meaning changes `version`. */

const name = z.string().check(z.minLength(1));

const version = z.strictObject({ deployment: name, host: name, subset: z.optional(name) });

/** The cluster, the service and its two versions. */
export const subjectSchema = z.strictObject({
  version: z.literal(1),
  cluster: z.strictObject({ context: z.string(), host: z.string() }),
  namespace: name,
  service: name,
});

export const versionsSchema = z.strictObject({
  stable: version,
  canary: version,
  image: z.optional(z.string()),
  exchanged: z.boolean(),
});

const share = z.number().check(z.gte(0), z.lte(100));

/** In percent. */
export const splitSchema = z.strictObject({ stable: share, canary: share });

export const textSchema = z.string().check(z.minLength(1));
export const countSchema = z.int().check(z.gte(0));
/** Milliseconds. */
export const millisSchema = z.number().check(z.gte(0));

export const versionsOf = (
  { stable, canary }: Target,
  image: string | undefined,
  exchanged = false,
): z.infer<typeof versionsSchema> => ({
  stable: named(stable),
  canary: named(canary),
  image,
  exchanged,
});

const named = ({ deployment, host, subset }: Version): z.infer<typeof version> => ({ deployment, host, subset });

import * as z from "zod/mini";
import { routeSections } from "../../istio/route-rule.ts";

const raw = z.record(z.string(), z.unknown());

/** A rule that the release adds: what it is called, and what it asks for. */
const added = z.object({ name: z.string(), match: z.unknown() });

const rule = z.object({
  section: z.enum(routeSections),
  /** Its place when the release began; rules move, so it is the last thing by which one is found again. */
  index: z.int().check(z.nonnegative()),
  name: z.optional(z.string()),
  match: z.optional(z.unknown()),
  /** Its destinations as they were. */
  route: z.array(raw),
  /** The fields by which copies of its requests are sent. Missing in older journals, and then none is touched. */
  copies: z.optional(raw),
  /** The release sends copies of its requests to the canary, in some of its stages. */
  mirrored: z.optional(z.boolean()),
  /** Whom the release keeps on a version, and by which cookie. */
  affinity: z.optional(z.object({ cookie: z.string(), release: z.string() })),
  /** What the release adds before it. */
  added: z.optional(z.array(added)),
});

/** How an object was before a release: plain JSON, kept in the journal, enough to give every rule of it back. */
export const objectBefore = z.object({ namespace: z.string(), name: z.string(), rules: z.array(rule) });

export type ObjectBefore = z.infer<typeof objectBefore>;
export type RuleBefore = z.infer<typeof rule>;
export type AddedBefore = z.infer<typeof added>;

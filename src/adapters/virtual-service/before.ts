import * as z from "zod/mini";
import { movableSections } from "./movable-rule.ts";

const raw = z.record(z.string(), z.unknown());

const rule = z.object({
  section: z.enum(movableSections),
  /** Its place when the release began; rules move, so it is the last thing by which one is found again. */
  index: z.int().check(z.nonnegative()),
  name: z.optional(z.string()),
  match: z.optional(z.unknown()),
  /** Its destinations as they were. */
  route: z.array(raw),
  /** The fields by which copies of its requests are sent. Missing in older journals, and then none is touched. */
  copies: z.optional(raw),
});

const virtualService = z.object({ namespace: z.string(), name: z.string(), rules: z.array(rule) });

const routes = z.object({
  /** The version of Istio's API that the server offered: v1, v1beta1 or v1alpha3. */
  version: z.string(),
  virtualServices: z.array(virtualService),
  /**
   * Stable's requests could be answered then, as far as the service's namespace says. Missing in older journals, and
   * then it is not asked at the end.
   */
  served: z.optional(z.boolean()),
  /** The versions whose subset no DestinationRule had. */
  missingSubsets: z.array(z.enum(["stable", "canary"])),
});

/** How the routes were before a release: plain JSON, kept in the journal, enough to give every one of them back. */
export type RoutesBefore = z.infer<typeof routes>;
export type VirtualServiceBefore = z.infer<typeof virtualService>;
export type RuleBefore = z.infer<typeof rule>;

/** What `captureRoutes` gave, read back from the journal. */
export const parseRoutesBefore = (stored: unknown): RoutesBefore => routes.parse(stored);

import * as z from "zod/mini";
import { objectBefore } from "../weighted-rules/before.ts";

const routes = z.object({
  /** The version of Istio's API that the server offered: v1, v1beta1 or v1alpha3. */
  version: z.string(),
  virtualServices: z.array(objectBefore),
  /**
   * Stable's requests could be answered then, as far as the service's namespace says. Missing in older journals, and
   * then it is not asked at the end.
   */
  served: z.optional(z.boolean()),
  /** The versions whose subset no DestinationRule had. */
  missingSubsets: z.array(z.enum(["stable", "canary"])),
});

/** How the routes were before a release. */
export type RoutesBefore = z.infer<typeof routes>;

/** What `captureRoutes` gave, read back from the journal. */
export const parseRoutesBefore = (stored: unknown): RoutesBefore => routes.parse(stored);

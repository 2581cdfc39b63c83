import * as z from "zod/mini";
import { objectBefore } from "../weighted-rules/before.ts";

const routes = z.object({
  /** The version of the Gateway API that the server offered for the kind. */
  version: z.string(),
  routes: z.array(objectBefore),
  /** Stable's requests could be answered then, as far as the service's namespace says. */
  served: z.boolean(),
});

/** How the routes of one kind were before a release. */
export type GatewayRoutesBefore = z.infer<typeof routes>;

/** What `capture` gave, read back from the journal. */
export const parseGatewayRoutesBefore = (stored: unknown): GatewayRoutesBefore => routes.parse(stored);

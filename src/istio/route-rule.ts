import type { Destination, Raw, WeightedDestination } from "./destination.ts";
import type { NamespacedName } from "./host.ts";

export const routeSections = ["http", "tls", "tcp"] as const;
/** By which protocol a rule tells requests apart; gRPC is HTTP. */
export type RouteSection = (typeof routeSections)[number];

/** `share` is the part of the requests that is copied, 0 to 1. */
export type Mirror = Destination & { readonly share: number };

/** One rule by which requests are divided, of a VirtualService or of a route of the Gateway API. */
export type RouteRule = {
  readonly section: RouteSection;
  /** Where it stands in its object, as a JSON Pointer. */
  readonly path: string;
  /** Its place in the section. */
  readonly index: number;
  /** The same as a configuration names it: `#0` is the first of http. */
  readonly place: string;
  readonly name: string | undefined;
  /** What else a configuration may call it, where rules have no names: `tls:shop.example.com`, `tcp:31400`. */
  readonly addresses: readonly string[];
  readonly match: unknown;
  readonly destinations: readonly WeightedDestination[];
  /** Where copies of its requests go, whose answers nobody waits for. */
  readonly mirrors: readonly Mirror[];
  /** What it does instead of dividing requests: `delegate`, `redirect`, `directResponse`, `RequestRedirect`. */
  readonly instead: string | undefined;
  /** The VirtualService that it hands its requests to. */
  readonly delegate: NamespacedName | undefined;
  /** No rule below it is reached. */
  readonly takesEverything: boolean;
  readonly raw: Raw;
};

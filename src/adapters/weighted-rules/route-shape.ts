import type { Destination, Raw, WeightedDestination } from "../../istio/destination.ts";
import type { NamespacedName } from "../../istio/host.ts";
import type { RouteRule, RouteSection } from "../../istio/route-rule.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Drill } from "../../release/plan.ts";
import type { RouteKind } from "../../release/route-kind.ts";
import type { Testers } from "../../release/testers.ts";

/** How a kind of object holds rules with weights: everything by which moving one kind differs from moving another. */
export type RouteShape = {
  readonly kind: RouteKind;
  readonly words: {
    /** What people call a rule there. */
    readonly rule: string;
    /** What to do about an object without such rules. */
    readonly toMove: string;
  };
  readonly rulesOf: (object: KubernetesObject) => readonly RouteRule[];
  /** What Envoy says a route comes of; missing where the names of such objects are lost on the way to it. */
  readonly originOf?: (object: NamespacedName) => string;
  /** The sections that it has, and the list of `spec` that each is in. */
  readonly sections: Readonly<Partial<Record<RouteSection, string>>>;
  /** The field of a rule that its destinations are in. */
  readonly destinations: string;
  /** All destinations of a rule. */
  readonly read: (list: readonly unknown[], namespace: string) => readonly WeightedDestination[];
  /** A copy of stable's destination, with everything that it has, that names another version. */
  readonly named: (stable: WeightedDestination, version: Destination, namespace: string) => Raw;
  /** The field of a rule that its conditions are in. */
  readonly match: string;
  /** Of two rules that fit a request the first one counts; otherwise the more exact one. */
  readonly firstWins: boolean;
  /** The conditions of a rule, and of one of these testers besides; or why they cannot be said, in words. */
  readonly narrowed: (
    match: unknown,
    testers: readonly Testers[],
  ) => { readonly match: readonly Raw[] } | { readonly because: string };
  /** How a rule says what a drill does to its requests; missing where it cannot. */
  readonly fault?: (drill: Drill) => Raw;
  /** A destination as the only one of a rule, which gets every request of it. */
  readonly alone: (destination: Raw) => Raw;
  /** How a destination's answers get a cookie; missing where they cannot. */
  readonly cookies?: CookieFields;
  readonly copies: CopyFields;
  readonly maxWeight: number;
};

export type CookieFields = {
  /** Of a destination. */
  readonly field: string;
  readonly with: (destination: Raw, cookie: string) => Raw;
  readonly without: (destination: Raw, isOurs: (cookie: string) => boolean) => Raw;
  /** Why it can get none, in words. */
  readonly whyNot: (destination: Raw) => string | undefined;
};

/** The fields of a rule by which copies of its requests are sent somewhere. */
export type CopyFields = {
  /** A field that names one destination, before those that say more of it. */
  readonly single: readonly string[];
  /** A list with one entry for each. */
  readonly list: string;
  readonly ofSingle: (value: unknown, namespace: string) => Destination | undefined;
  /** Undefined for an entry that copies nothing. */
  readonly ofEntry: (entry: unknown, namespace: string) => Destination | undefined;
  /** An entry by which a destination gets a copy of so many percent of the requests; missing where none can be said. */
  readonly entryFor?: (destination: Raw, percent: number) => Raw;
};

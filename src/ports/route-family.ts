import type { Destination } from "../istio/destination.ts";
import type { WrittenRule } from "../istio/envoy-config.ts";
import type { Host, NamespacedName } from "../istio/host.ts";
import type { RouteSection } from "../istio/route-rule.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Aim } from "../release/aim.ts";
import type { Unserved } from "../release/observation.ts";
import type { BesideWeights, Plan } from "../release/plan.ts";
import type { RouteKind } from "../release/route-kind.ts";
import type { Role, RouteChoice, Target } from "../release/target.ts";
import type { Fence } from "./fence.ts";
import type { Permission } from "./permission.ts";
import type { Finding } from "./preflight.ts";

/** Everything about one kind of route. A target may choose routes of several kinds; a family minds those of its own. */
export interface RouteFamily {
  readonly kind: RouteKind;
  /** What a release with routes of this kind may have to do. */
  readonly permissions: readonly Permission[];
  /** The versions that get requests now by the rules that the target chooses. None where they may not be read. */
  serving(target: Target): Promise<readonly Role[]>;
  /** What there is in the target's namespace, where nobody has named a route. */
  find(target: Target): Promise<FoundRoutes>;
  /** A look at the routes before a release. */
  look(target: Target): RouteLook;
  /**
   * How the routes are before a release: JSON of its own, kept in the journal, from which `moved` can give them back.
   * Rejects with RefusedError, and with every reason at once, when they cannot be moved. `plan`: what else will be there
   * than weights.
   */
  capture(target: Target, plan?: BesideWeights): Promise<unknown>;
  /**
   * What `capture` would give if stable had the requests of both versions: what to go back to where nobody knows any
   * more how it was.
   */
  captureGivenBack(target: Target): Promise<unknown>;
  /** The routes of a release, by what `capture` gave. */
  moved(target: Target, before: unknown, fence: Fence): MovedRoutes;
}

export type FoundRoutes = {
  /** One that the target chooses is there. */
  readonly hasChosen: boolean;
  /** Those that send to one of the versions; none where they may not be listed. */
  readonly senders: readonly RouteChoice[];
};

/** A look changes nothing. */
export interface RouteLook {
  /** Everything of this kind in the namespaces of the service and of its routes. Rejects when it may not be listed. */
  survey(): Promise<RouteSurvey>;
  /** What forbids moving these routes, what would refuse the first write, and what is good to know. */
  inspect(plan: Plan): Promise<readonly Finding[]>;
  /** Everything of this kind in every namespace, or in as many as may be read. */
  everywhere(): Promise<WideSurvey>;
}

export type WideSurvey = {
  readonly facts: readonly RouteFact[];
  /** What could not be read, in words: "VirtualServices of namespaces other than shop". */
  readonly unread: readonly string[];
};

export type RouteSurvey = {
  readonly facts: readonly RouteFact[];
  /** The objects that the target chooses, as far as they are there. */
  readonly chosen: readonly KubernetesObject[];
};

/** One rule by which requests are routed, whatever its kind. */
export type RouteFact = {
  readonly route: NamespacedName & { readonly kind: RouteKind };
  /** For people: `VirtualService shop/reviews: route "api"`. */
  readonly where: string;
  /** As a configuration calls it: by its name, or by its place. */
  readonly called: string;
  readonly section: RouteSection;
  /** Nobody follows a rule of a delegate that no route hands requests to. */
  readonly seenBy: readonly Viewer[];
  readonly destinations: readonly RoutedDestination[];
  /** The target names its object. */
  readonly isChosen: boolean;
  /** The release moves its weights. */
  readonly moves: boolean;
  /** A release whose target names it could move them. */
  readonly canMove: boolean;
};

/** A rule of a delegate is where another route names it, or where the user does. */
export const isFollowed = ({ seenBy, isChosen }: RouteFact): boolean => seenBy.length > 0 || isChosen;

/** Somebody who follows a rule, for requests to some hosts. */
export type Viewer = {
  /** The clients in the mesh, or the gateway of this name. */
  readonly who: "mesh" | GatewayName;
  readonly hosts: readonly Host[];
  /** The namespaces that see the rule; undefined is all. */
  readonly namespaces: readonly string[] | undefined;
};

/** `ofApi`: a Gateway of the Gateway API, and not Istio's own kind. */
export type GatewayName = NamespacedName & { readonly ofApi?: true };

/** No namespace is called so: it stands for all that nothing else is known of. */
export const elsewhere = "";

/** Where the clients are that follow a rule. Without `exportTo` they are in the rule's own namespace, and elsewhere. */
export const namespacesBehind = ({ who, namespaces }: Viewer, own: string): readonly string[] =>
  who === "mesh" ? (namespaces ?? [own, elsewhere]) : [who.namespace];

export type RoutedDestination = Destination & {
  /** The part of the rule's requests that it gets, 0 to 1. */
  readonly share: number;
  /** It gets copies, and nobody waits for its answers. */
  readonly mirror: boolean;
};

/** The routes of one family in one release. Every effect is absolute: repeating one is harmless. */
export interface MovedRoutes {
  readonly routes: readonly MovedRoute[];
  /** Makes the canary's destination known to the mesh. Moves no traffic. */
  prepare(): Promise<void>;
  /** Takes away what `prepare` added and `winner` does not need. */
  cleanUp(winner: Role): Promise<void>;
  /** What another job had under way when it lost the release lands before this resolves, or never. */
  fence(): Promise<void>;
  /** Nothing is known of what was not clear already when the release began. */
  unserved(among: readonly Role[]): Promise<Unserved>;
  /** What is not as it should be of what `prepare` added. */
  differences(winner: Role): Promise<readonly string[]>;
}

/** One object that a release moves. */
export interface MovedRoute {
  /**
   * Writes until it is as aimed. Writes nothing any more, and resolves, once `superseded` has aborted: another aim has
   * taken the place of this one. Rejects with DeniedError, UnreachableError or TakenOverError; and with StrayedError
   * when it is neither as one of `from` says nor as aimed.
   */
  reach(aim: Aim, superseded: AbortSignal, from?: readonly Aim[]): Promise<void>;
  /** Gives back what `reach` wrote last, where nobody has written since. */
  takeBack(): Promise<void>;
  /** How each rule of the release divides its requests now, in words. */
  splits(): Promise<readonly string[]>;
  /** All its rules as they stand there now. */
  written(): Promise<readonly WrittenRule[]>;
  /** The versions that get requests by its rules now. */
  serving(): Promise<readonly Role[]>;
  /** How it differs from what is aimed at, in words. It does not when it is as `next` says. */
  differences(aim: Aim, next?: Aim): Promise<readonly string[]>;
}

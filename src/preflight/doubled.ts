import { readHost, sameHost } from "../istio/host.ts";
import type { RoutedDestination, RouteFact } from "../ports/route-family.ts";
import type { Neighbourhood } from "./neighbourhood.ts";
import { destinationWord, reaches, selectedBy } from "./stranded.ts";

/**
 * Rules that copy requests to the canary and send them to stable: after a swap both go to one version, and whatever a
 * request writes is written twice. Pure.
 */
export const doubledIn = (around: Neighbourhood): readonly { readonly what: string; readonly next: string }[] =>
  around.facts.flatMap((fact) => {
    const copies = doubling(around, fact);
    return copies.map((copy) => ({
      what: `${fact.where} sends requests to stable and copies them to ${destinationWord(copy)}: after the swap both are one version, and whatever a request does is done twice.`,
      next: "Take the mirror away before the release.",
    }));
  });

function doubling(around: Neighbourhood, { destinations, moves }: RouteFact): readonly RoutedDestination[] {
  const reachesRole = (one: RoutedDestination, role: "stable" | "canary"): boolean => {
    return one.share > 0 && selectedBy(around, one).some((selected) => reaches(around, selected, role));
  };
  if (!destinations.some((one) => !one.mirror && reachesRole(one, "stable"))) return [];
  return destinations.filter((one) => one.mirror && reachesRole(one, "canary") && !(moves && isCanarys(around, one)));
}

/** A mirror that names the canary as the rule does is taken away with the first write. */
const isCanarys = ({ target }: Neighbourhood, { host, subset }: RoutedDestination): boolean =>
  subset === target.canary.subset && sameHost(host, readHost(target.canary.host, target.namespace));

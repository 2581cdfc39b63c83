import type { Destination } from "../../istio/destination.ts";
import { sameHost } from "../../istio/host.ts";
import { gatewaysOf, hostsOf, isForMesh, nameOf, rulesOf, visibleIn } from "../../istio/virtual-service.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { someOf } from "../../lib/some-of.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import { destinationRoles } from "../weighted-rules/destination-roles.ts";
import type { ChosenRoutes } from "../weighted-rules/read-routes.ts";
import { virtualServiceShape } from "./virtual-service-shape.ts";
import { virtualServiceWord } from "./virtual-service-word.ts";

/** The VirtualServices that are not part of a release and yet decide about its requests. Pure. */
export function rivalsOf(
  all: readonly KubernetesObject[],
  chosen: readonly ChosenRoutes[],
  target: Target,
): readonly Finding[] {
  const own = new Set(chosen.map(({ choice }) => virtualServiceWord(choice)));
  const rest = all.filter((object) => !own.has(wordOf(object)));
  return rest.flatMap((object) => [
    ...bypass(object, target),
    ...chosen.filter((one) => collide(one.object, object)).map((one) => hides(one, object)),
  ]);
}

const wordOf = (object: KubernetesObject): string => virtualServiceWord(nameOf(object));

/** IST0140: what this one sends to the service is not divided by the release. */
function bypass(object: KubernetesObject, target: Target): readonly Finding[] {
  const { stable, canary } = destinationRoles(virtualServiceShape, target);
  const isServices = ({ host }: Destination): boolean => sameHost(host, stable.host) || sameHost(host, canary.host);
  const destinations = rulesOf(object)
    .flatMap((rule) => rule.destinations)
    .filter(isServices);
  if (destinations.length === 0) return [];
  const gateways = gatewaysOf(object);
  const by = gateways.length > 0 ? ` (by ${someOf(gateways, ", ")})` : "";
  const unpinned = stable.subset !== undefined && destinations.some(({ subset }) => subset === undefined);
  const what = unpinned
    ? "its requests go to every pod of the service, the canary's among them, whatever the stage"
    : "its requests do not follow the stages";
  return [
    {
      code: "IST0140",
      level: "warn",
      what: `${wordOf(object)} sends to the service, too${by}, and is not part of the release: ${what}.`,
      next: "Name it beside the others, if its requests are to follow.",
    },
  ];
}

/** Sidecars do not merge VirtualServices: of several for one host they take the oldest. */
const collide = (one: KubernetesObject, other: KubernetesObject): boolean =>
  isForMesh(one) &&
  isForMesh(other) &&
  areSeenTogether(one, other) &&
  hostsOf(one).some((host) => hostsOf(other).some((same) => sameHost(host, same)));

/** Where nobody sees both, each has its own clients. */
function areSeenTogether(one: KubernetesObject, other: KubernetesObject): boolean {
  const [some, others] = [visibleIn(one), visibleIn(other)];
  return !some || !others || some.some((namespace) => others.includes(namespace));
}

const hides = ({ choice }: ChosenRoutes, object: KubernetesObject): Finding => ({
  code: "IST0109",
  level: "warn",
  what: `${virtualServiceWord(choice)} and ${wordOf(object)} have a host in common, and sidecars use only the older of the two (IST0109).`,
  next: "Make one of them.",
});

import { rootNamespace } from "../istio/destination-rule.ts";
import { covers } from "../istio/host.ts";
import { isImported, readSidecar, type Sidecar } from "../istio/sidecar.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { showLabels } from "../kubernetes/selector.ts";
import { type Finding, note, warn } from "../ports/preflight.ts";
import { elsewhere, type RouteFact, type Viewer } from "../ports/route-family.ts";
import { routeWord } from "../release/route-kind.ts";
import { listed } from "./finding.ts";
import type { Scene } from "./scene.ts";

/**
 * Callers whose Sidecar does not let them see the route. What they do not know at all they send to the address that was
 * called, past every route, unless their Sidecar forbids that.
 */
export function callersSeeRoutes(scene: Scene): readonly Finding[] {
  const { hosts, target } = scene;
  const rules = rulesForMesh(scene);
  const [rule] = rules;
  if (!rule) return [];
  const sees = (sidecar: Sidecar): boolean =>
    rules.some(({ route, viewers }) => viewers.some((viewer) => isImported(sidecar, route.namespace, viewer.hosts)));
  const blind = clientsApart(scene).filter((one) => isMeant(one, rules) && !sees(one));
  const knowing = blind.filter((one) => isImported(one, target.namespace, [hosts.service, hosts.stable]));
  const open = blind.filter((one) => !knowing.includes(one) && !one.isClosed);
  const [what, past] = [routeWord(rule.route), "they see none of its weights, and reach every pod of the Service"];
  return [
    ...(knowing.length === 0
      ? []
      : [
          warn(
            `${wordsOf(knowing)} lets its clients see Service ${target.namespace}/${target.service}, and not ${what} (egress.hosts): ${past}, the canary's among them.`,
            `Add ${rule.route.namespace}/* to its egress.hosts.`,
          ),
        ]),
    ...(open.length === 0
      ? []
      : [
          note(
            `${wordsOf(open)} does not let its clients see ${what}, nor Service ${target.namespace}/${target.service} (egress.hosts): where they call it all the same, ${past}, unless the mesh's outboundTrafficPolicy is REGISTRY_ONLY.`,
            `If there are such clients, add ${rule.route.namespace}/* to its egress.hosts.`,
          ),
        ]),
  ];
}

type MeshRule = RouteFact & { readonly viewers: readonly Viewer[] };

const rulesForMesh = ({ routes, hosts }: Scene): readonly MeshRule[] =>
  routes
    .filter(({ moves }) => moves)
    .map((fact) => ({ ...fact, viewers: fact.seenBy.filter((viewer) => isForService(viewer, hosts)) }))
    .filter(({ viewers }) => viewers.length > 0);

const isForService = ({ who, hosts: forHosts }: Viewer, { service, stable }: Scene["hosts"]): boolean =>
  who === "mesh" && forHosts.some((host) => covers(host, service) || covers(host, stable));

/** Whoever a route is not exported to is told of by that. */
const isMeant = ({ namespace }: Sidecar, rules: readonly MeshRule[]): boolean =>
  rules.some(({ viewers }) => viewers.some(({ namespaces }) => !namespaces || namespaces.includes(namespace)));

/** In each namespace those of its own count, else the root's for all; there `.` is the namespace of each client. */
function clientsApart({ sidecars, target: { namespace } }: Scene): readonly Sidecar[] {
  const isRoots = ({ metadata }: KubernetesObject): boolean => metadata.namespace === rootNamespace;
  const own = sidecars.filter((object) => !isRoots(object)).map((object) => readSidecar(object));
  const hasDefault = own.some((one) => one.namespace === namespace && !one.clients);
  const homes = hasDefault ? [elsewhere] : [elsewhere, namespace];
  const ofAll = sidecars.filter(isRoots).flatMap((object) => homes.map((home) => readSidecar(object, home)));
  return [...own, ...ofAll.filter(({ clients }) => !clients)];
}

const wordsOf = (sidecars: readonly Sidecar[]): string =>
  listed([...new Set(sidecars.map(({ word, clients }) => (clients ? `${word} (${showLabels(clients)})` : word)))], 5);

import { kindNamed, kindOf } from "../sandbox/api-server/kind.ts";
import type { SentObject, StoredObject } from "../sandbox/api-server/object.ts";
import { kubectl, namespace, type SimulatedCluster } from "./cluster.ts";
import type { PersonAct } from "./disturbance.ts";
import { isForTesters, serviceOf } from "./routing.ts";
import { imageOf, type Scenario } from "./scenario.ts";
import { type Names, namesOf, shopOf } from "./shop.ts";

/** Somebody with kubectl, whose commands come between the requests of a job. Where there is nothing to change nothing is. */
export type Person = {
  readonly acts: Readonly<Record<PersonAct, () => void>>;
  /** Applies once more what was there at first, where it is gone. */
  readonly bringBack: () => void;
};

/** What somebody deploys without a release. */
export const imagesGiven: Partial<Record<PersonAct, { readonly to: keyof Names; readonly tag: string }>> = {
  "changes stable's image": { to: "stable", tag: "v1-patch" },
  "changes the canary's image": { to: "canary", tag: "v3" },
};

export function somebodyAt(cluster: SimulatedCluster, scenario: Scenario): Person {
  const names = namesOf(scenario);
  const { store, objects } = cluster;
  const find = (plural: string, name: string): StoredObject | undefined =>
    store.get(kindNamed(plural), namespace, name);
  const plural = scenario.routing === "HTTPRoute" ? "httproutes" : "virtualservices";
  const routeAtFirst = find(plural, "reviews")?.spec;
  const removeNamed = (): void =>
    scenario.routing === "HTTPRoute"
      ? remove("services", serviceOf(names.stable.subset))
      : remove("destinationrules", "reviews");

  function edit(plural: string, name: string, change: (object: StoredObject) => SentObject, manager = kubectl): void {
    const kind = kindNamed(plural);
    if (find(plural, name))
      objects.patch({ kind, version: kind.versions[0] ?? "v1", namespace, manager }, name, change);
  }

  function remove(plural: string, name: string): void {
    const object = find(plural, name);
    if (object) objects.delete(kindNamed(plural), object, {});
  }

  const editDeployment = (name: string, change: (spec: DeploymentSpec) => object): void =>
    edit("deployments", name, (object) => ({ ...object, spec: change(object.spec as DeploymentSpec) }));

  function deploy(act: PersonAct): void {
    const given = imagesGiven[act];
    if (given) editDeployment(names[given.to].deployment, withImage(imageOf(given.tag)));
  }

  const editRules = (change: (rules: readonly Rule[]) => readonly Rule[]): void =>
    edit(plural, "reviews", (object) => {
      const spec = object.spec as { readonly http?: readonly Rule[]; readonly rules?: readonly Rule[] };
      const changed = spec.rules ? { rules: change(spec.rules) } : { http: change(spec.http ?? []) };
      return { ...object, spec: { ...spec, ...changed } };
    });

  const editRoute = (change: (rule: Rule) => Rule): void =>
    editRules((rules) => rules.map((rule) => (rule.name === "primary" ? change(rule) : rule)));

  /** Where the moved rule sends what is stable's, which stands first in it. */
  function toStable(rule: Rule): Rule {
    const spec = find(plural, "reviews")?.spec as { readonly http?: readonly Rule[]; readonly rules?: readonly Rule[] };
    const moved = (spec.rules ?? spec.http)?.find(({ name }) => name === "primary");
    const only = <T>(all: readonly T[] | undefined): readonly T[] | undefined => all?.slice(0, 1);
    return rule.backendRefs
      ? { ...rule, backendRefs: only(moved?.backendRefs) ?? [] }
      : { ...rule, route: only(moved?.route) ?? [] };
  }

  const putBack = (): void =>
    edit(plural, "reviews", (object) => ({ ...object, spec: routeAtFirst }), "argocd-controller");

  function bringBack(): void {
    for (const object of shopOf(scenario))
      if (deletable.has(object.kind ?? "") && !find(kindOf(object)?.plural ?? "", object.metadata?.name ?? ""))
        cluster.create(object);
  }

  const acts: Person["acts"] = {
    "edits the weights": () => editRoute(withEvenWeights),
    "puts the route back": putBack,
    "puts the route back again and again": putBack,
    "changes a time-out": () =>
      editRoute((rule) => (rule.timeouts ? { ...rule, timeouts: { request: "7s" } } : { ...rule, timeout: "7s" })),
    "changes the canary's image": () => deploy("changes the canary's image"),
    "changes stable's image": () => deploy("changes stable's image"),
    "scales the canary to 0": () => editDeployment(names.canary.deployment, (spec) => ({ ...spec, replicas: 0 })),
    "deletes the canary": () => remove("deployments", names.canary.deployment),
    "scales stable": () =>
      editDeployment(names.stable.deployment, (spec) => ({
        ...spec,
        replicas: spec.replicas === 0 ? 0 : spec.replicas + 1,
      })),
    "deletes the route": () => remove(plural, "reviews"),
    "deletes what the route names": removeNamed,
    "deletes the journal": () => remove("configmaps", "istio-canary-reviews"),
    "takes the testers' rule away": () => editRules((rules) => rules.filter((rule) => !isForTesters(rule))),
    "gives the testers' rule to stable": () =>
      editRules((rules) => rules.map((rule) => (isForTesters(rule) ? toStable(rule) : rule))),
    "deletes the lease": () => remove("leases", "istio-canary-reviews"),
  };
  return { acts, bringBack };
}

/** What somebody deletes, and misses. */
const deletable: ReadonlySet<string> = new Set(["VirtualService", "DestinationRule", "HTTPRoute", "Service"]);

type Weighted = readonly { readonly weight?: number }[];
type Rule = {
  readonly name?: string;
  readonly timeout?: string;
  readonly timeouts?: { readonly request: string };
  readonly route?: Weighted;
  readonly backendRefs?: Weighted;
};

/** Nearly even, where there are two to choose between. */
function withEvenWeights(rule: Rule): Rule {
  const even = ([first, second]: Weighted): Weighted | undefined =>
    first &&
    second && [
      { ...first, weight: 55 },
      { ...second, weight: 45 },
    ];
  if (rule.backendRefs) return { ...rule, backendRefs: even(rule.backendRefs) ?? rule.backendRefs };
  return rule.route ? { ...rule, route: even(rule.route) ?? rule.route } : rule;
}

type DeploymentSpec = {
  readonly replicas: number;
  readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
};

/** Of the service's own container, which is the first. */
const withImage = (image: string) => (spec: DeploymentSpec) => {
  const [own, ...sidecars] = spec.template.spec.containers;
  const containers = [{ ...own, image }, ...sidecars];
  return { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } };
};

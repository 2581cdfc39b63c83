import { kindNamed, kindOf } from "../sandbox/api-server/kind.ts";
import type { SentObject, StoredObject } from "../sandbox/api-server/object.ts";
import { kubectl, namespace, type SimulatedCluster } from "./cluster.ts";
import type { PersonAct } from "./disturbance.ts";
import { imageOf, type Scenario } from "./scenario.ts";
import { namesOf, shopOf } from "./shop.ts";

/** Somebody with kubectl, whose commands come between the requests of a job. Where there is nothing to change nothing is. */
export type Person = {
  readonly acts: Readonly<Record<PersonAct, () => void>>;
  /** Applies once more what was there at first, where it is gone. */
  readonly bringBack: () => void;
};

export function somebodyAt(cluster: SimulatedCluster, scenario: Scenario): Person {
  const names = namesOf(scenario);
  const { store, objects } = cluster;
  const find = (plural: string, name: string): StoredObject | undefined =>
    store.get(kindNamed(plural), namespace, name);
  const routeAtFirst = find("virtualservices", "reviews")?.spec;

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

  const editRoute = (change: (rule: Rule) => Rule): void =>
    edit("virtualservices", "reviews", (object) => {
      const spec = object.spec as { readonly http: readonly Rule[] };
      return {
        ...object,
        spec: { ...spec, http: spec.http.map((rule) => (rule.name === "primary" ? change(rule) : rule)) },
      };
    });

  const putBack = (): void =>
    edit("virtualservices", "reviews", (object) => ({ ...object, spec: routeAtFirst }), "argocd-controller");

  function bringBack(): void {
    for (const object of shopOf(scenario))
      if (deletable.has(object.kind ?? "") && !find(kindOf(object)?.plural ?? "", "reviews")) cluster.create(object);
  }

  const acts: Person["acts"] = {
    "edits the weights": () =>
      editRoute((rule) => {
        const [first, second] = rule.route;
        return first && second
          ? {
              ...rule,
              route: [
                { ...first, weight: 55 },
                { ...second, weight: 45 },
              ],
            }
          : rule;
      }),
    "puts the VirtualService back": putBack,
    "puts the VirtualService back again and again": putBack,
    "changes a time-out": () => editRoute((rule) => ({ ...rule, timeout: "7s" })),
    "changes the canary's image": () => editDeployment(names.canary.deployment, withImage(imageOf("v3"))),
    "changes stable's image": () => editDeployment(names.stable.deployment, withImage(imageOf("v1-patch"))),
    "scales the canary to 0": () => editDeployment(names.canary.deployment, (spec) => ({ ...spec, replicas: 0 })),
    "deletes the canary": () => remove("deployments", names.canary.deployment),
    "scales stable": () =>
      editDeployment(names.stable.deployment, (spec) => ({
        ...spec,
        replicas: spec.replicas === 0 ? 0 : spec.replicas + 1,
      })),
    "deletes the VirtualService": () => remove("virtualservices", "reviews"),
    "deletes the DestinationRule": () => remove("destinationrules", "reviews"),
    "deletes the journal": () => remove("configmaps", "istio-canary-reviews"),
    "deletes the lease": () => remove("leases", "istio-canary-reviews"),
  };
  return { acts, bringBack };
}

/** What somebody deletes, and misses. */
const deletable: ReadonlySet<string> = new Set(["VirtualService", "DestinationRule"]);

type Rule = {
  readonly name?: string;
  readonly timeout?: string;
  readonly route: readonly { readonly weight?: number }[];
};

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

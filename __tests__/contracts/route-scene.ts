import assert from "node:assert/strict";
import { type KubernetesClient, KubernetesError } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import type { KubernetesObject, Resource } from "../../src/kubernetes/object.ts";
import type { Fence } from "../../src/ports/fence.ts";
import type { RouteFamily } from "../../src/ports/route-family.ts";
import type { Router } from "../../src/ports/router.ts";
import type { BesideWeights } from "../../src/release/plan.ts";
import type { RouteKind } from "../../src/release/route-kind.ts";
import type { Target, Version } from "../../src/release/target.ts";
import { allRoutes } from "../../src/routes/routes.ts";
import { noFence } from "../support/fences.ts";

/** An API server that has the kinds of a mesh, and what somebody with kubectl can do there. */
export type RouterWorld = {
  readonly client: KubernetesClient;
  /** A new, empty namespace. */
  readonly createNamespace: () => Promise<string>;
  /** Server-side, as `kubectl`, with force. */
  readonly apply: (objects: readonly AppliedObject[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type AppliedObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Fields;
};

export type Fields = Readonly<Record<string, unknown>>;

/** A rule of any kind: who gets its requests, by version, and their weights. */
export type RuleSketch = {
  readonly name?: string;
  /** Of the requests that it takes; every request without one. */
  readonly path?: string;
  readonly to: readonly (readonly [version: string, weight?: number])[];
  /** Who gets copies of them, and of how many percent. */
  readonly copies?: readonly (readonly [version: string, percent: number])[];
};

/** A sketch has no copies where there are none. */
export const copiesTo = (copies: NonNullable<RuleSketch["copies"]>): Pick<RuleSketch, "copies"> =>
  copies.length === 0 ? {} : { copies };

/** A family of routes, and how its objects are drawn and read. A version that is called other is another service. */
export type RouteMaker = {
  readonly kind: RouteKind;
  /** What tests of it are called by; several may be of one kind. */
  readonly title: string;
  /** What messages call a rule, by its name or its place. */
  readonly word: (name: string, place: number) => string;
  /** It divides requests, and not connections. */
  readonly ofRequests: boolean;
  /** Its destinations can set cookies. */
  readonly setsCookies: boolean;
  /** How many rules an object may have, of fifty. */
  readonly mostRules: number;
  readonly resource: Resource;
  readonly family: (client: KubernetesClient) => RouteFamily;
  /** A version of service `reviews`, as its destinations name it. */
  readonly version: (name: string) => Version;
  readonly draw: (namespace: string, name: string, rules: readonly RuleSketch[]) => AppliedObject;
  readonly read: (object: KubernetesObject) => readonly RuleSketch[];
};

/** One release in a namespace of its own, and somebody else who may interfere. */
export async function createRouteScene({ client, createNamespace, apply }: RouterWorld, maker: RouteMaker) {
  const namespace = await createNamespace();
  const interference: Interference = { calls: [], before: nothing, after: nothing, refused: new Set() };
  const routersClient = observe(client, interference);

  const target = (names: readonly string[], { stable, canary } = { stable: "v1", canary: "v2" }): Target => ({
    namespace,
    service: "reviews",
    stable: maker.version(stable),
    canary: maker.version(canary),
    routes: names.map((name) => ({ kind: maker.kind, namespace, name, routes: [] })),
    source: { from: "existing" },
    replicas: { kind: "keep" },
  });

  /** Somebody with kubectl writes the rules of an object. */
  const draw = (name: string, rules: readonly RuleSketch[]): Promise<void> =>
    apply([maker.draw(namespace, name, rules)]);

  async function release(target: Target, make = maker.family, fence = noFence): Promise<Router> {
    const open = await prepare(target, make);
    return open(fence);
  }

  /** A release before its first write, as any job opens it. */
  async function prepare(target: Target, make = maker.family, plan = {}): Promise<(fence: Fence) => Router> {
    const before = await allRoutes([make(client)]).capture(target, plan);
    // Through text, because that is how the journal keeps it.
    return (fence) => allRoutes([make(routersClient)]).router(target, JSON.parse(JSON.stringify(before)), fence);
  }

  const object = async (name: string): Promise<KubernetesObject> =>
    (await client.get(maker.resource, namespace, name)) ?? assert.fail(`${name} is gone`);
  const rules = async (name: string): Promise<readonly RuleSketch[]> => maker.read(await object(name));
  const weightsOf = ({ to }: RuleSketch): string => to.map((one) => one.join(" ")).join(", ");

  return {
    namespace,
    /** What the router asked of the API server: verb and name. */
    calls: interference.calls,
    target,
    apply: (...objects: readonly AppliedObject[]): Promise<void> => apply(objects),
    draw,
    edit: async (name: string, change: (rules: readonly RuleSketch[]) => readonly RuleSketch[]): Promise<void> =>
      draw(name, change(await rules(name))),
    delete: (name: string): Promise<void> => client.delete(maker.resource, namespace, name),
    /** Whoever is among `finalizers` keeps it from going when it is deleted. */
    async hold(name: string, finalizers: readonly string[]): Promise<void> {
      const body = [{ op: "add", path: "/metadata/finalizers", value: finalizers }] as const;
      await client.patch(maker.resource, namespace, name, { type: "json", body });
    },
    /** Makes the routes, and begins a release over them. */
    async begin(sketches: Readonly<Record<string, readonly RuleSketch[]>>, make = maker.family): Promise<Router> {
      for (const [name, rules] of Object.entries(sketches)) await draw(name, rules);
      return release(target(Object.keys(sketches)), make);
    },
    /** The same, for several jobs. */
    async beginForMany(
      sketches: Readonly<Record<string, readonly RuleSketch[]>>,
      make = maker.family,
      plan: BesideWeights = {},
    ) {
      for (const [name, rules] of Object.entries(sketches)) await draw(name, rules);
      return prepare(target(Object.keys(sketches)), make, plan);
    },
    release,
    /** What happens before, or after, the router's next patches. */
    beforePatch: (times: number, act: () => Promise<void>) =>
      void Object.assign(interference, { before: { times, act } }),
    afterPatch: (times: number, act: () => Promise<void>) =>
      void Object.assign(interference, { after: { times, act } }),
    refusePatches: (name: string) => void interference.refused.add(name),
    object,
    rules,
    /** Every byte of what the user wrote. */
    spec: async (name: string): Promise<string> => JSON.stringify((await object(name)).spec),
    /** Rules by `;`, destinations by `,`. */
    weights: async (name: string): Promise<string> => (await rules(name)).map(weightsOf).join("; "),
  };
}

export type RouteScene = Awaited<ReturnType<typeof createRouteScene>>;

type Act = { readonly times: number; readonly act: () => Promise<void> };
type Interference = { readonly calls: string[]; before: Act; after: Act; readonly refused: Set<string> };

const nothing: Act = { times: 0, act: async () => {} };

async function next(interference: Interference, when: "before" | "after"): Promise<void> {
  const { times, act } = interference[when];
  if (times === 0) return;
  interference[when] = { times: times - 1, act };
  await act();
}

/** The router's view of the API server: what it asks is noted, and somebody else may come in between. */
const observe = (client: KubernetesClient, interference: Interference): KubernetesClient => {
  const note = (verb: string, name: string): void => void interference.calls.push(`${verb} ${name}`);
  return {
    ...client,
    get(resource, namespace, name, options) {
      note("get", name);
      return client.get(resource, namespace, name, options);
    },
    list(resource, namespace, options) {
      note("list", resource.plural);
      return client.list(resource, namespace, options);
    },
    async patch(resource, namespace, name, patch, options) {
      note("patch", name);
      if (interference.refused.has(name)) throw new KubernetesError(`${name} may not be patched`, 403, "Forbidden");
      await next(interference, "before");
      const object = await client.patch(resource, namespace, name, patch, options);
      await next(interference, "after");
      return object;
    },
  };
};

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { type KubernetesClient, KubernetesError } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { parseRoutesBefore } from "../../src/adapters/virtual-service/before.ts";
import { captureRoutes } from "../../src/adapters/virtual-service/capture-routes.ts";
import { virtualServiceRouter } from "../../src/adapters/virtual-service/router.ts";
import type { SubsetLabels } from "../../src/adapters/virtual-service/subset-need.ts";
import { type KubernetesObject, resources } from "../../src/kubernetes/object.ts";
import { DeniedError, RefusedError } from "../../src/lib/errors.ts";
import type { Router } from "../../src/ports/router.ts";
import { splitAt } from "../../src/release/split.ts";
import type { Target } from "../../src/release/target.ts";

/** An API server that has Istio's custom resources, and what somebody with kubectl can do there. */
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

type Fields = Readonly<Record<string, unknown>>;

const to = (subset: string, weight?: number, more: Fields = {}): Fields => ({
  destination: { host: "reviews", subset },
  ...(weight === undefined ? {} : { weight }),
  ...more,
});
const alone = [{ route: [to("v1")] }];
const both = [{ name: "primary", route: [to("v1", 100), to("v2", 0)] }];

/** What any router over VirtualServices has to do on any API server. */
export function routerContract(name: string, setUp: () => Promise<RouterWorld>): void {
  let world: RouterWorld;
  before(async () => {
    world = await setUp();
  });
  after(() => world.close());

  const fact = (what: string, body: (scene: Scene) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => body(await createScene(world)));
  };

  fact("one weight step is one read, one write and one reading back", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(10));
    assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
    assert.equal(await scene.weights("reviews"), "v1 90, v2 10");
  });

  fact("fifty routes in one VirtualService take no more calls than one", async (scene) => {
    const routes = Array.from({ length: 50 }, (_, index) => ({
      match: [{ uri: { prefix: `/${index}/` } }],
      route: [to("v1")],
    }));
    const router = await scene.begin({ reviews: routes });
    await router.write(splitAt(25));
    assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
    assert.equal(await scene.weights("reviews"), Array.from({ length: 50 }, () => "v1 75, v2 25").join("; "));
  });

  fact("writing what is there already is one read", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(10));
    scene.calls.splice(0);
    await router.write(splitAt(10));
    assert.deepEqual(scene.calls, ["get reviews"]);
  });

  for (const [what, http] of Object.entries({ "stable's destination alone": alone, "both destinations": both })) {
    fact(`a route that began with ${what} is given back as it was`, async (scene) => {
      const router = await scene.begin({ reviews: http });
      const original = await scene.spec("reviews");
      for (const weight of [10, 50, 100]) await router.write(splitAt(weight));
      await router.finish("stable");
      assert.equal(await scene.spec("reviews"), original);
      assert.deepEqual(await router.differences("stable"), []);
    });
  }

  fact("after a swap a route that began with stable alone has the canary alone", async (scene) => {
    const router = await scene.begin({ reviews: alone });
    await router.prepare();
    await router.write(splitAt(100));
    await router.finish("canary");
    assert.deepEqual(await scene.http("reviews"), [{ route: [to("v2")] }]);
    assert.deepEqual(await router.differences("canary"), []);
  });

  fact("after a swap a route that began with both has them at 0 and 100", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.finish("canary");
    assert.equal(await scene.weights("reviews"), "v1 0, v2 100");
  });

  fact("fields that a release has no business with come through every write", async (scene) => {
    const http = [
      {
        name: "primary",
        timeout: "3s",
        retries: { attempts: 2, perTryTimeout: "1s" },
        mirrors: [{ destination: { host: "shadow" }, percentage: { value: 5 } }],
        route: [to("v1", 100, { headers: { request: { set: { tenant: "blue" } } } })],
      },
    ];
    const router = await scene.begin({ reviews: http });
    await router.write(splitAt(30));
    const [{ route = [], ...rule } = {}] = await scene.http("reviews");
    assert.deepEqual(rule, {
      name: "primary",
      timeout: "3s",
      retries: { attempts: 2, perTryTimeout: "1s" },
      mirrors: [{ destination: { host: "shadow" }, percentage: { value: 5 } }],
    });
    assert.deepEqual(route, [
      to("v1", 70, { headers: { request: { set: { tenant: "blue" } } } }),
      to("v2", 30, { headers: { request: { set: { tenant: "blue" } } } }),
    ]);
  });

  fact(
    "a rule that somebody puts in front between reading and writing stays, and the right one is moved",
    async (scene) => {
      const router = await scene.begin({ reviews: both });
      const testers = { match: [{ headers: { canary: { exact: "yes" } } }], route: [to("v2")] };
      scene.beforePatch(1, () => scene.edit("reviews", (http) => [testers, ...http]));
      await router.write(splitAt(20));
      assert.equal(await scene.weights("reviews"), "v2; v1 80, v2 20");
      await router.finish("stable");
      assert.deepEqual(await scene.http("reviews"), [testers, ...both]);
    },
  );

  fact("somebody who takes every write back is named after five writes", async (scene) => {
    const router = await scene.begin({ reviews: both });
    scene.afterPatch(9, () => scene.edit("reviews", () => both));
    await assert.rejects(router.write(splitAt(20)), (error) => {
      assert.ok(error instanceof DeniedError);
      assert.match(
        error.message,
        /VirtualService \S+\/reviews was written 5 times and is still not as it should be \(route "primary": v1 80, v2 20\): kubectl writes it, too\./,
      );
      return true;
    });
    assert.equal(scene.calls.filter((call) => call === "patch reviews").length, 5);
  });

  fact("drift is told in weights, with the one who wrote it, and is nothing after a write", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(10));
    assert.equal(await router.drift(splitAt(10)), undefined);
    await scene.edit("reviews", () => [{ name: "primary", route: [to("v1", 80), to("v2", 20)] }]);
    assert.equal(
      await router.drift(splitAt(10)),
      `VirtualService ${scene.namespace}/reviews route "primary": v1 80, v2 20 instead of v1 90, v2 10, written by kubectl`,
    );
  });

  fact("a route that is gone is drift, and no other route is taken for it", async (scene) => {
    const router = await scene.begin({
      reviews: [
        ...both,
        { name: "rest", match: [{ uri: { prefix: "/" } }], route: [{ destination: { host: "ratings" } }] },
      ],
    });
    await scene.edit("reviews", (http) => http.slice(1));
    const left = await scene.spec("reviews");
    assert.match(
      (await router.drift(splitAt(10))) ?? "",
      /route "primary" is gone, or sends to neither version any more$/,
    );
    await assert.rejects(router.write(splitAt(10)), DeniedError);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), left);
    assert.match((await router.differences("stable")).join(), /route "primary" is gone/);
  });

  fact("a route of the old name that serves something else now is left alone", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await scene.edit("reviews", () => [{ name: "primary", route: [{ destination: { host: "ratings" } }] }]);
    const left = await scene.spec("reviews");
    await assert.rejects(router.write(splitAt(10)), DeniedError);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), left);
  });

  fact(
    "a destination by another port that somebody added stays, and the one of the release gets its weight back",
    async (scene) => {
      const on = (port: number, weight: number): Fields => ({
        destination: { host: "reviews", subset: "v1", port: { number: port } },
        weight,
      });
      const router = await scene.begin({ reviews: [{ name: "primary", route: [on(80, 100)] }] });
      await router.write(splitAt(10));
      await scene.edit("reviews", ([rule]) => [{ ...rule, route: [on(8080, 50), ...(rule?.route ?? [])] }]);
      await router.finish("stable");
      assert.deepEqual(await scene.http("reviews"), [{ name: "primary", route: [on(8080, 50), on(80, 100)] }]);
    },
  );

  fact(
    "a VirtualService that was deleted is drift, refuses weights, does not hold up a rollback, and is told at the end",
    async (scene) => {
      const router = await scene.begin({ reviews: both });
      await router.write(splitAt(10));
      await world.client.delete(resources.virtualServices, scene.namespace, "reviews");
      assert.equal(
        await router.drift(splitAt(10)),
        `VirtualService ${scene.namespace}/reviews is gone: somebody else deleted it`,
      );
      await assert.rejects(router.write(splitAt(20)), {
        name: "DeniedError",
        message: `VirtualService ${scene.namespace}/reviews was deleted during the release.`,
      });
      await assert.rejects(router.finish("canary"), DeniedError);
      await router.finish("stable");
      assert.deepEqual(await router.differences("stable"), [
        `VirtualService ${scene.namespace}/reviews is gone: somebody else deleted it`,
      ]);
    },
  );

  fact("a stable destination that somebody removed comes back with the traffic", async (scene) => {
    const router = await scene.begin({ reviews: both });
    const original = await scene.spec("reviews");
    await router.write(splitAt(50));
    await scene.edit("reviews", () => [{ name: "primary", route: [to("v2")] }]);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });

  fact(
    "a version that somebody names a second time is drift, because nobody can say whose weight counts",
    async (scene) => {
      const router = await scene.begin({ reviews: both });
      await router.write(splitAt(10));
      const twice = { destination: { host: "reviews", subset: "v2", port: { number: 8080 } }, weight: 50 };
      await scene.edit("reviews", () => [{ name: "primary", route: [to("v1", 90), to("v2", 10), twice] }]);
      assert.match((await router.drift(splitAt(10))) ?? "", /route "primary" names reviews subset v2 more than once$/);
      await assert.rejects(router.write(splitAt(10)), DeniedError);
    },
  );

  fact("several VirtualServices are written in order, and the ones behind a refusal are left alone", async (scene) => {
    const router = await scene.begin({ first: both, second: both, third: both });
    scene.refusePatches("second");
    await assert.rejects(router.write(splitAt(10)), DeniedError);
    assert.deepEqual(
      [await scene.weights("first"), await scene.weights("second"), await scene.weights("third")],
      ["v1 90, v2 10", "v1 100, v2 0", "v1 100, v2 0"],
    );
  });

  fact("one VirtualService that refuses keeps no other from getting its traffic back", async (scene) => {
    const router = await scene.begin({ first: both, second: both, third: both });
    await router.write(splitAt(10));
    scene.refusePatches("first");
    await assert.rejects(router.finish("stable"), /first could not be written \(route "primary": v1 100, v2 0\)/);
    assert.deepEqual(
      [await scene.weights("first"), await scene.weights("second"), await scene.weights("third")],
      ["v1 90, v2 10", "v1 100, v2 0", "v1 100, v2 0"],
    );
    const [difference = "", ...more] = await router.differences("stable");
    assert.ok(
      difference.startsWith(
        `VirtualService ${scene.namespace}/first route "primary": v1 90, v2 10 instead of v1 100, v2 0`,
      ),
      difference,
    );
    assert.deepEqual(more, []);
  });

  fact("a share of nothing is the route before the release", async (scene) => {
    const router = await scene.begin({ reviews: alone });
    await router.write(splitAt(10));
    await router.write(splitAt(0));
    assert.deepEqual(await scene.http("reviews"), alone);
  });

  fact("what cannot be released is refused with every reason at once", async (scene) => {
    await scene.create("reviews", [{ name: "primary", route: [to("v1", 50), to("v2", 50)] }]);
    const target = scene.target(["reviews", "absent"]);
    await assert.rejects(captureRoutes(world.client, target), (error) => {
      assert.ok(error instanceof RefusedError);
      assert.match(error.message, /absent does not exist \(in \S+: reviews\)/);
      assert.match(error.message, /route "primary" sends 50 % of its requests to the canary already/);
      return true;
    });
  });

  fact("subsets that are there are not added again", async (scene) => {
    await scene.createRule("reviews", ["v1", "v2"]);
    const router = await scene.begin({ reviews: alone });
    await router.prepare();
    assert.deepEqual(await scene.rules(), ["reviews: v1, v2"]);
    assert.deepEqual(scene.calls, [], "nothing was missing, so nothing had to be asked");
  });

  fact(
    "a missing subset gets a DestinationRule of our own, which goes after a rollback and leaves the user's alone",
    async (scene) => {
      await scene.createRule("reviews", ["v1"]);
      const users = await scene.rule("reviews");
      const router = await scene.begin({ reviews: alone });
      await router.prepare();
      scene.calls.splice(0);
      await router.prepare();
      assert.deepEqual(scene.calls, ["list destinationrules"], "what is there already is only looked at");
      assert.deepEqual(await scene.rules(), ["istio-canary-reviews: v2", "reviews: v1"]);
      assert.deepEqual((await scene.rule("istio-canary-reviews"))?.spec, {
        host: "reviews",
        exportTo: ["."],
        subsets: [{ name: "v2", labels: { version: "v2" }, trafficPolicy: { loadBalancer: { simple: "RANDOM" } } }],
      });
      assert.match(
        (await router.differences("stable")).join(),
        /DestinationRule \S+\/istio-canary-reviews still has the subset v2/,
      );
      await router.cleanUp("stable");
      await router.cleanUp("stable");
      assert.deepEqual(await scene.rules(), ["reviews: v1"]);
      assert.deepEqual(await scene.rule("reviews"), users);
      assert.deepEqual(await router.differences("stable"), []);
    },
  );

  fact(
    "after a swap the subset stays, because the route names it, and the next release adds to it and takes only its own",
    async (scene) => {
      await scene.createRule("reviews", ["v1"]);
      const first = await scene.begin({ reviews: alone });
      await first.prepare();
      await first.finish("canary");
      await first.cleanUp("canary");
      assert.deepEqual(await scene.rules(), ["istio-canary-reviews: v2", "reviews: v1"]);
      assert.deepEqual(await first.differences("canary"), []);

      const second = await scene.again({ stable: "v2", canary: "v3" });
      await second.prepare();
      assert.deepEqual(await scene.rules(), ["istio-canary-reviews: v2, v3", "reviews: v1"]);
      await second.cleanUp("stable");
      assert.deepEqual(await scene.rules(), ["istio-canary-reviews: v2", "reviews: v1"]);
      await world.client.delete(resources.destinationRules, scene.namespace, "istio-canary-reviews");
      assert.match(
        (await first.differences("canary")).join(),
        /no DestinationRule in namespace \S+ has the subset v2, which the routes name/,
      );
    },
  );

  fact("stable's subset is added, too, where no DestinationRule has it", async (scene) => {
    const router = await scene.begin({ reviews: alone });
    await router.prepare();
    assert.deepEqual(await scene.rules(), ["istio-canary-reviews: v1, v2"]);
    await router.cleanUp("stable");
    assert.deepEqual(await scene.rules(), []);
  });

  fact("a DestinationRule of our name that is not ours is never touched", async (scene) => {
    await scene.createRule("reviews", ["v1"]);
    const router = await scene.begin({ reviews: alone });
    await scene.createRule("istio-canary-reviews", ["v2"]);
    await assert.rejects(router.prepare(), /istio-canary-reviews is in the way/);
    await router.cleanUp("stable");
    assert.deepEqual(await scene.rules(), ["istio-canary-reviews: v2", "reviews: v1"]);
  });

  fact("a subset whose labels nobody knows is not guessed: what to write is told", async (scene) => {
    await scene.createRule("reviews", ["v1"]);
    const router = await scene.begin({ reviews: alone }, async () => undefined);
    await assert.rejects(router.prepare(), {
      name: "DeniedError",
      next: "Add to the DestinationRule for reviews: subsets: [{name: v2, labels: {version: …}}], with a label of those pods.",
    });
  });
}

type Versions = { readonly stable: string; readonly canary: string };
type HttpRule = Fields & { readonly route?: readonly Fields[] };

/** One release in a namespace of its own, and somebody else who may interfere. */
interface Scene {
  readonly namespace: string;
  /** What the router asked of the API server: verb and name. */
  readonly calls: string[];
  readonly begin: (
    virtualServices: Readonly<Record<string, readonly Fields[]>>,
    subsetLabels?: SubsetLabels,
  ) => Promise<Router>;
  /** Another release over the same objects. */
  readonly again: (versions: Versions) => Promise<Router>;
  readonly target: (names: readonly string[], versions?: Versions) => Target;
  readonly create: (name: string, http: readonly Fields[]) => Promise<void>;
  readonly createRule: (name: string, subsets: readonly string[]) => Promise<void>;
  /** Somebody with kubectl replaces the http routes. */
  readonly edit: (name: string, change: (http: readonly HttpRule[]) => readonly Fields[]) => Promise<void>;
  /** What happens before, or after, the router's next patches. */
  readonly beforePatch: (times: number, act: () => Promise<void>) => void;
  readonly afterPatch: (times: number, act: () => Promise<void>) => void;
  readonly refusePatches: (name: string) => void;
  readonly http: (name: string) => Promise<readonly HttpRule[]>;
  readonly spec: (name: string) => Promise<string>;
  /** Rules by `;`, destinations by `,`. */
  readonly weights: (name: string) => Promise<string>;
  readonly rule: (name: string) => Promise<KubernetesObject | undefined>;
  readonly rules: () => Promise<readonly string[]>;
}

async function createScene({ client, createNamespace, apply }: RouterWorld): Promise<Scene> {
  const namespace = await createNamespace();
  const interference: Interference = { calls: [], before: nothing, after: nothing, refused: new Set() };
  const routersClient = observe(client, interference);
  const { virtualServices, destinationRules } = resources;

  const read = async (name: string): Promise<KubernetesObject> =>
    (await client.get(virtualServices, namespace, name)) ?? assert.fail(`${name} is gone`);
  const http = async (name: string): Promise<readonly HttpRule[]> =>
    ((await read(name)).spec as { readonly http: readonly HttpRule[] }).http;
  const create = (name: string, rules: readonly Fields[]): Promise<void> =>
    apply([
      {
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name, namespace },
        spec: { hosts: [`${name}.example.com`], gateways: ["shop"], http: rules },
      },
    ]);

  const target = (names: readonly string[], { stable, canary }: Versions = { stable: "v1", canary: "v2" }): Target => ({
    namespace,
    service: "reviews",
    stable: { deployment: `reviews-${stable}`, host: "reviews", subset: stable },
    canary: { deployment: `reviews-${canary}`, host: "reviews", subset: canary },
    routes: names.map((name) => ({ namespace, name, routes: [] })),
    source: { from: "existing" },
    replicas: { kind: "keep" },
  });

  async function release(
    over: Target,
    subsetLabels: SubsetLabels = async (of) => ({ version: over[of].subset ?? "" }),
  ): Promise<Router> {
    // Through text, because that is how the journal keeps it.
    const before = parseRoutesBefore(JSON.parse(JSON.stringify(await captureRoutes(client, over))));
    return virtualServiceRouter({ clock: nodeClock, client: routersClient, target: over, before, subsetLabels });
  }

  return {
    namespace,
    calls: interference.calls,
    async begin(wanted, subsetLabels) {
      for (const [name, rules] of Object.entries(wanted)) await create(name, rules);
      return release(target(Object.keys(wanted)), subsetLabels);
    },
    again: (versions) => release(target(["reviews"], versions)),
    target,
    create,
    createRule: (name, subsets) =>
      apply([
        {
          apiVersion: "networking.istio.io/v1",
          kind: "DestinationRule",
          metadata: { name, namespace },
          spec: {
            host: "reviews",
            exportTo: ["."],
            subsets: subsets.map((version) => ({
              name: version,
              labels: { version },
              trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
            })),
          },
        },
      ]),
    edit: async (name, change) => create(name, change(await http(name))),
    beforePatch: (times, act) => void Object.assign(interference, { before: { times, act } }),
    afterPatch: (times, act) => void Object.assign(interference, { after: { times, act } }),
    refusePatches: (name) => void interference.refused.add(name),
    http,
    spec: async (name) => JSON.stringify((await read(name)).spec),
    weights: async (name) => (await http(name)).map(({ route = [] }) => route.map(entryWord).join(", ")).join("; "),
    rule: (name) => client.get(destinationRules, namespace, name),
    async rules() {
      const all = await client.list(destinationRules, namespace);
      return all
        .map(
          ({ metadata, spec }) =>
            `${metadata.name}: ${(spec as { readonly subsets: readonly { readonly name: string }[] }).subsets.map((subset) => subset.name).join(", ")}`,
        )
        .sort();
    },
  };
}

const entryWord = ({ destination, weight }: Fields): string =>
  [(destination as { readonly subset: string }).subset, ...(weight === undefined ? [] : [weight])].join(" ");

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

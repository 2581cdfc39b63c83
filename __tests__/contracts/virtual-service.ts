import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import type { SubsetLabels } from "../../src/adapters/virtual-service/subset-need.ts";
import { virtualServiceFamily } from "../../src/adapters/virtual-service/virtual-service-family.ts";
import type { RouteRule, RouteSection } from "../../src/istio/route-rule.ts";
import { rulesOf } from "../../src/istio/virtual-service.ts";
import { field, listAt, objectAt, textAt } from "../../src/kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../src/kubernetes/object.ts";
import { DeniedError } from "../../src/lib/errors.ts";
import type { RouteFamily } from "../../src/ports/route-family.ts";
import { splitAt } from "../../src/release/split.ts";
import type { Target } from "../../src/release/target.ts";
import {
  type AppliedObject,
  copiesTo,
  createRouteScene,
  type Fields,
  type RouteMaker,
  type RouterWorld,
  type RouteScene,
  type RuleSketch,
} from "./route-scene.ts";

const byVersion =
  (target: Target): SubsetLabels =>
  async (of) => ({ version: target[of].subset ?? "" });

const familyWith =
  (subsetLabels: (target: Target) => SubsetLabels) =>
  (client: KubernetesClient): RouteFamily =>
    virtualServiceFamily({ client, clock: nodeClock, subsetLabels });

const to = (subset: string, weight?: number, more: Fields = {}): Fields => ({
  destination: subset === "other" ? { host: "ratings" } : { host: "reviews", subset },
  weight,
  ...more,
});

type Marks = Pick<RuleSketch, "name" | "path">;

/** How the rules of a section are told from each other: where they have no names, by what they ask for. */
const markings: Readonly<
  Record<RouteSection, { readonly draw: (marks: Marks) => Fields; readonly read: (rule: RouteRule) => Marks }>
> = {
  http: {
    draw: ({ name, path }) => ({ name, match: path === undefined ? undefined : [{ uri: { prefix: path } }] }),
    read: ({ name, match }) => marksOf(name, textAt(listAt(match)[0], "uri", "prefix")),
  },
  tls: {
    draw: (marks) => ({ match: [{ sniHosts: [`${labelsOf(marks).join(".")}.example.com`] }] }),
    read: ({ match }) => marksIn((textAt(listAt(match)[0], "sniHosts", 0) ?? "").split(".")),
  },
  tcp: {
    draw(marks) {
      const [name, path] = labelsOf(marks);
      return { match: [{ port: 31_400, sourceLabels: { name, path } }] };
    },
    read({ match }) {
      const labels = objectAt(field(listAt(match)[0], "sourceLabels"));
      return marksIn([textAt(labels, "name") ?? "", textAt(labels, "path") ?? ""]);
    },
  },
};

/** As labels and host names can have them, where no name and no path stand for themselves. */
const labelsOf = ({ name = "any", path }: Marks): readonly [string, string] => [
  name,
  path === undefined ? "any" : `p${path.replaceAll("/", "")}`,
];

const marksIn = ([name = "", path = ""]: readonly string[]): Marks =>
  marksOf(name === "any" ? undefined : name, path === "any" ? undefined : `/${path.slice(1)}/`.replace("//", "/"));

const marksOf = (name: string | undefined, path: string | undefined): Marks => ({
  ...(name === undefined ? {} : { name }),
  ...(path === undefined ? {} : { path }),
});

const readTo = ({ destinations }: RouteRule): RuleSketch["to"] =>
  destinations.map(({ subset = "other", weight }) => (typeof weight === "number" ? [subset, weight] : [subset]));

const virtualService = (
  namespace: string,
  name: string,
  rules: readonly Fields[],
  section: RouteSection = "http",
): AppliedObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace },
  // Through text, so that what is undefined is absent.
  spec: {
    hosts: [section === "http" ? `${name}.example.com` : "*.example.com"],
    gateways: ["shop"],
    [section]: JSON.parse(JSON.stringify(rules)),
  },
});

export const virtualServiceMaker = (section: RouteSection = "http"): RouteMaker => ({
  kind: "VirtualService",
  title: section === "http" ? "VirtualService" : `VirtualService with ${section} routes`,
  word: (name, place) => (section === "http" ? `route "${name}"` : `${section} route #${place}`),
  ofRequests: section === "http",
  setsCookies: section === "http",
  mostRules: 50,
  resource: resources.virtualServices,
  family: familyWith(byVersion),
  version: (name) => ({ deployment: `reviews-${name}`, host: "reviews", subset: name }),
  draw(namespace, name, rules) {
    const drawn = rules.map(({ to: destinations, copies, ...marks }) => ({
      ...markings[section].draw(marks),
      route: destinations.map(([version, weight]) => to(version, weight)),
      mirrors: copies?.map(([version, value]) => ({ ...to(version), percentage: { value } })),
    }));
    return virtualService(namespace, name, drawn, section);
  },
  read: (object) =>
    rulesOf(object).map((rule) => ({
      ...markings[section].read(rule),
      to: readTo(rule),
      ...copiesTo(rule.mirrors.map(({ subset = "other", share }) => [subset, share * 100])),
    })),
});

const alone: readonly RuleSketch[] = [{ to: [["v1"]] }];

/** What VirtualServices have to do besides, on any API server: fields, ports, subsets. */
export function virtualServiceContract(name: string, setUp: () => Promise<RouterWorld>): void {
  let world: RouterWorld;
  before(async () => {
    world = await setUp();
  });
  after(() => world.close());

  const fact = (what: string, body: (scene: RouteScene, rules: Rules) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => {
      const scene = await createRouteScene(world, virtualServiceMaker());
      return body(scene, destinationRules(world, scene));
    });
  };

  const http = async (scene: RouteScene): Promise<readonly Fields[]> =>
    listAt(await scene.object("reviews"), "spec", "http").map((rule) => objectAt(rule));

  /** A release over one VirtualService, written out. */
  async function begin(scene: RouteScene, ...rules: readonly Fields[]) {
    await scene.apply(virtualService(scene.namespace, "reviews", rules));
    return scene.release(scene.target(["reviews"]));
  }

  fact("fields that a release has no business with come through every write", async (scene) => {
    const untouched = {
      name: "primary",
      timeout: "3s",
      retries: { attempts: 2, perTryTimeout: "1s" },
      mirrors: [{ destination: { host: "shadow" }, percentage: { value: 5 } }],
    };
    const headers = { headers: { request: { set: { tenant: "blue" } } } };
    const router = await begin(scene, { ...untouched, route: [to("v1", 100, headers)] });
    await router.write(splitAt(30));
    const [{ route = [], ...rule } = {}] = await http(scene);
    assert.deepEqual(rule, untouched);
    assert.deepEqual(route, [to("v1", 70, headers), to("v2", 30, headers)]);
  });

  fact(
    "a destination by another port that somebody added stays, and the one of the release gets its weight back",
    async (scene) => {
      const on = (port: number, weight: number): Fields => ({
        destination: { host: "reviews", subset: "v1", port: { number: port } },
        weight,
      });
      const router = await begin(scene, { name: "primary", route: [on(80, 100)] });
      await router.write(splitAt(10));
      const [written] = await http(scene);
      const route = [on(8080, 50), ...listAt(written, "route")];
      await scene.apply(virtualService(scene.namespace, "reviews", [{ name: "primary", route }]));
      await router.finish("stable");
      assert.deepEqual(await http(scene), [{ name: "primary", route: [on(8080, 50), on(80, 100)] }]);
    },
  );

  fact(
    "a version that somebody names a second time is drift, because nobody can say whose weight counts",
    async (scene) => {
      const router = await begin(scene, { name: "primary", route: [to("v1", 100), to("v2", 0)] });
      await router.write(splitAt(10));
      const twice = { destination: { host: "reviews", subset: "v2", port: { number: 8080 } }, weight: 50 };
      const route = [to("v1", 90), to("v2", 10), twice];
      await scene.apply(virtualService(scene.namespace, "reviews", [{ name: "primary", route }]));
      assert.match((await router.drift(splitAt(10))) ?? "", /route "primary" names reviews subset v2 more than once$/);
      await assert.rejects(router.write(splitAt(10)), DeniedError);
    },
  );

  fact("a drill is for testers alone and for its stage, and their rule is as it was afterwards", async (scene) => {
    const testers = [{ headers: { "end-user": { exact: "jason" } } }];
    const retries = { retries: { attempts: 2 } };
    await scene.apply(virtualService(scene.namespace, "reviews", [{ name: "primary", ...retries, route: [to("v1")] }]));
    const original = await scene.spec("reviews");
    const router = await scene.release(scene.target(["reviews"]));
    const faults = async (): Promise<readonly unknown[]> => (await http(scene)).map(({ fault }) => fault);
    await router.write({ ...splitAt(10), testers });
    const before = await scene.spec("reviews");
    for (const [drill, fault] of [
      [{ delay: 500 }, { delay: { fixedDelay: "0.5s", percentage: { value: 100 } } }],
      [{ abort: 503 }, { abort: { httpStatus: 503, percentage: { value: 100 } } }],
    ] as const) {
      await router.write({ ...splitAt(10), testers, drill }, { ...splitAt(10), testers });
      assert.deepEqual(await faults(), [fault, undefined]);
      assert.match((await router.drift({ ...splitAt(10), testers })) ?? "", /is for testers, was changed/);
      await router.write({ ...splitAt(10), testers });
      assert.equal(await scene.spec("reviews"), before);
    }
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });

  fact("subsets that are there are not added again", async (scene, rules) => {
    await rules.create("reviews", ["v1", "v2"]);
    const router = await scene.begin({ reviews: alone });
    await router.prepare();
    assert.deepEqual(await rules.all(), ["reviews: v1, v2"]);
    assert.deepEqual(scene.calls, [], "nothing was missing, so nothing had to be asked");
  });

  fact(
    "a missing subset gets a DestinationRule of our own, which goes after a rollback and leaves the user's alone",
    async (scene, rules) => {
      await rules.create("reviews", ["v1"]);
      const users = await rules.get("reviews");
      const router = await scene.begin({ reviews: alone });
      await router.prepare();
      scene.calls.splice(0);
      await router.prepare();
      assert.deepEqual(scene.calls, ["list destinationrules"], "what is there already is only looked at");
      assert.deepEqual(await rules.all(), ["istio-canary-reviews: v2", "reviews: v1"]);
      assert.deepEqual((await rules.get("istio-canary-reviews"))?.spec, {
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
      assert.deepEqual(await rules.all(), ["reviews: v1"]);
      assert.deepEqual(await rules.get("reviews"), users);
      assert.deepEqual(await router.differences("stable"), []);
    },
  );

  fact(
    "after a swap the subset stays, because the route names it, and the next release adds to it and takes only its own",
    async (scene, rules) => {
      await rules.create("reviews", ["v1"]);
      const first = await scene.begin({ reviews: alone });
      await first.prepare();
      await first.finish("canary");
      await first.cleanUp("canary");
      assert.deepEqual(await rules.all(), ["istio-canary-reviews: v2", "reviews: v1"]);
      assert.deepEqual(await first.differences("canary"), []);

      const second = await scene.release(scene.target(["reviews"], { stable: "v2", canary: "v3" }));
      await second.prepare();
      assert.deepEqual(await rules.all(), ["istio-canary-reviews: v2, v3", "reviews: v1"]);
      await second.cleanUp("stable");
      assert.deepEqual(await rules.all(), ["istio-canary-reviews: v2", "reviews: v1"]);
      await rules.delete("istio-canary-reviews");
      assert.match(
        (await first.differences("canary")).join(),
        /no DestinationRule in namespace \S+ has the subset v2, which the routes name/,
      );
    },
  );

  fact("stable's subset is added, too, where no DestinationRule has it", async (scene, rules) => {
    const router = await scene.begin({ reviews: alone });
    await router.prepare();
    assert.deepEqual(await rules.all(), ["istio-canary-reviews: v1, v2"]);
    await router.cleanUp("stable");
    assert.deepEqual(await rules.all(), []);
  });

  fact("a DestinationRule of our name that is not ours is never touched", async (scene, rules) => {
    await rules.create("reviews", ["v1"]);
    const router = await scene.begin({ reviews: alone });
    await rules.create("istio-canary-reviews", ["v2"]);
    await assert.rejects(router.prepare(), /istio-canary-reviews is in the way/);
    await router.cleanUp("stable");
    assert.deepEqual(await rules.all(), ["istio-canary-reviews: v2", "reviews: v1"]);
  });

  fact("a subset whose labels nobody knows is not guessed: what to write is told", async (scene, rules) => {
    await rules.create("reviews", ["v1"]);
    const router = await scene.begin(
      { reviews: alone },
      familyWith(() => async () => undefined),
    );
    await assert.rejects(router.prepare(), {
      name: "DeniedError",
      next: "Add to the DestinationRule for reviews: subsets: [{name: v2, labels: {version: …}}], with a label of those pods.",
    });
  });
}

/** The DestinationRules of a scene. */
type Rules = ReturnType<typeof destinationRules>;

const destinationRules = ({ client }: RouterWorld, scene: RouteScene) => ({
  create: (name: string, subsets: readonly string[]): Promise<void> =>
    scene.apply({
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name, namespace: scene.namespace },
      spec: {
        host: "reviews",
        exportTo: ["."],
        subsets: subsets.map((version) => ({
          name: version,
          labels: { version },
          trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
        })),
      },
    }),
  get: (name: string): Promise<KubernetesObject | undefined> =>
    client.get(resources.destinationRules, scene.namespace, name),
  delete: (name: string): Promise<void> => client.delete(resources.destinationRules, scene.namespace, name),
  async all(): Promise<readonly string[]> {
    const rules = await client.list(resources.destinationRules, scene.namespace);
    const namesOf = (rule: KubernetesObject): string =>
      listAt(rule, "spec", "subsets")
        .map((subset) => textAt(subset, "name"))
        .join(", ");
    return rules.map((rule) => `${rule.metadata.name}: ${namesOf(rule)}`).sort();
  },
});

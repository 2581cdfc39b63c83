import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { gatewayRouteFamily } from "../../src/adapters/gateway-route/gateway-route-family.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { gatewayGroup, gatewayRouteRules, gatewaySection } from "../../src/istio/gateway-route.ts";
import { listAt, numberAt, objectAt, textAt } from "../../src/kubernetes/field.ts";
import { resourceOf } from "../../src/kubernetes/resource-of.ts";
import type { RouteKind } from "../../src/release/route-kind.ts";
import { splitAt } from "../../src/release/split.ts";
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

const hostOf = (version: string): string => (version === "other" ? "ratings" : version);

const to = (version: string, weight?: number, more: Fields = {}): Fields => ({
  name: hostOf(version),
  port: 80,
  ...(weight === undefined ? {} : { weight }),
  ...more,
});

/** By the path, or for gRPC by the service of the same name, which no digit begins. */
const matchesOf: Readonly<Record<string, (path: string) => Fields>> = {
  HTTPRoute: (path) => ({ path: { type: "PathPrefix", value: path } }),
  GRPCRoute: (path) => ({
    method: { type: "Exact", service: path.replaceAll("/", "").replace(/^(?=\d)/, "_") || "all" },
  }),
};

const pathOf = (match: unknown): string | undefined => {
  const service = textAt(match, "method", "service");
  const path = textAt(match, "path", "value") ?? (service && `/${service.replace("_", "")}/`.replace("/all/", "/"));
  return path === "/" ? undefined : path;
};

function readRule(rule: ReturnType<typeof gatewayRouteRules>[number]): RuleSketch {
  const path = pathOf(listAt(rule.match)[0]);
  const read = rule.destinations.map(({ host: { text }, weight }): RuleSketch["to"][number] => {
    const version = text === "ratings" ? "other" : text;
    // One without a weight is given 1.
    return weight === 1 && rule.destinations.length === 1 ? [version] : [version, Number(weight)];
  });
  const copies = rule.mirrors.map(
    ({ host: { text }, share }) => [text === "ratings" ? "other" : text, share * 100] as const,
  );
  return {
    ...(rule.name === undefined ? {} : { name: rule.name }),
    ...(path === undefined ? {} : { path }),
    to: read,
    ...copiesTo(copies),
  };
}

const mirrorTo = (version: string, percent: number): Fields => ({
  type: "RequestMirror",
  requestMirror: { backendRef: to(version), percent },
});

const routeWith = (kind: RouteKind, namespace: string, name: string, rules: readonly Fields[]): AppliedObject => ({
  apiVersion: `${gatewayGroup}/v1`,
  kind,
  metadata: { name, namespace },
  spec: { ...(kind === "TLSRoute" ? { hostnames: ["reviews.example.com"] } : {}), rules },
});

/** Of connections there is one rule, which takes all that come. */
const isOfRequests = (kind: RouteKind): boolean => gatewaySection(kind) === "http";

export const gatewayRouteMaker = (kind: RouteKind): RouteMaker => ({
  kind,
  title: kind,
  word: (name) => `rule "${name}"`,
  ofRequests: isOfRequests(kind),
  setsCookies: kind === "HTTPRoute",
  mostRules: isOfRequests(kind) ? 16 : 1,
  resource: resourceOf(`${gatewayGroup}/v1`, kind),
  family: (client) => gatewayRouteFamily(kind, { client, clock: nodeClock }),
  version: (name) => ({ deployment: `reviews-${name}`, host: name }),
  draw: (namespace, name, rules) =>
    routeWith(
      kind,
      namespace,
      name,
      rules.map(({ name, path, to: destinations, copies }) => ({
        ...(copies ? { filters: copies.map(([version, percent]) => mirrorTo(version, percent)) } : {}),
        ...(name === undefined ? {} : { name }),
        ...(path !== undefined && isOfRequests(kind) ? { matches: [matchesOf[kind]?.(path)] } : {}),
        backendRefs: destinations.map(([version, weight]) => to(version, weight)),
      })),
    ),
  read: (object) => gatewayRouteRules(object).map(readRule),
});

/** What routes of the Gateway API have to do besides, on any API server. */
export function gatewayRouteContract(name: string, setUp: () => Promise<RouterWorld>, maker: RouteMaker): void {
  let world: RouterWorld;
  before(async () => {
    world = await setUp();
  });
  after(() => world.close());

  const fact = (what: string, body: (scene: RouteScene) => Promise<void>): void => {
    test(`${name}, ${maker.kind}: ${what}`, async () => body(await createRouteScene(world, maker)));
  };

  async function begin(scene: RouteScene, ...rules: readonly Fields[]) {
    await scene.apply(routeWith(maker.kind, scene.namespace, "reviews", rules));
    return scene.release(scene.target(["reviews"]));
  }

  const ruleIn = async (scene: RouteScene): Promise<Fields> =>
    objectAt(listAt(await scene.object("reviews"), "spec", "rules")[0]);

  fact("a backend without a weight has one of 1, and is given back with it", async (scene) => {
    const router = await begin(scene, { backendRefs: [to("v1")] });
    assert.equal(numberAt(await ruleIn(scene), "backendRefs", 0, "weight"), 1);
    const original = await scene.spec("reviews");
    await router.write(splitAt(10));
    assert.equal(await scene.weights("reviews"), "v1 90, v2 10");
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });

  fact("a single backend of weight 0 gets no request, and is no stable version", async (scene) => {
    await scene.apply(routeWith(maker.kind, scene.namespace, "reviews", [{ backendRefs: [to("v1", 0)] }]));
    const family = maker.family(world.client);
    assert.deepEqual(await family.serving(scene.target(["reviews"])), []);
    await assert.rejects(family.capture(scene.target(["reviews"])), /the weights of its 1 destination sum to 0/);
  });

  fact("beside a third backend the two have their own share, and it keeps its part", async (scene) => {
    const router = await begin(scene, { backendRefs: [to("v1", 70), to("v2", 0), to("other", 30)] });
    await router.write(splitAt(10));
    assert.equal(await scene.weights("reviews"), "v1 63, v2 7, other 30");
  });

  if (!isOfRequests(maker.kind)) return;

  fact("filters and unknown business come through every write; the canary is treated as stable is", async (scene) => {
    const set = { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "tenant", value: "blue" }] } };
    const router = await begin(scene, {
      name: "primary",
      filters: [set],
      backendRefs: [to("v1", 1, { filters: [set] })],
    });
    const { backendRefs: _, ...before } = await ruleIn(scene);
    await router.write(splitAt(30));
    const { backendRefs, ...rule } = await ruleIn(scene);
    assert.deepEqual(rule, before);
    assert.deepEqual(
      listAt(backendRefs).map((one) => [textAt(one, "name"), numberAt(one, "weight"), objectAt(one).filters]),
      [
        ["v1", 70, [set]],
        ["v2", 30, [set]],
      ],
    );
  });

  fact("a mirror to the canary goes with the first write and comes back, and every other stays", async (scene) => {
    const mirror = (name: string): Fields => ({
      type: "RequestMirror",
      requestMirror: { backendRef: { name, port: 80 } },
    });
    const router = await begin(scene, { filters: [mirror("v2"), mirror("shadow")], backendRefs: [to("v1")] });
    const original = await scene.spec("reviews");
    const mirrored = async (): Promise<readonly unknown[]> =>
      listAt(await ruleIn(scene), "filters").map((one) => textAt(one, "requestMirror", "backendRef", "name"));
    await router.write(splitAt(10));
    assert.deepEqual(await mirrored(), ["shadow"]);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });
}

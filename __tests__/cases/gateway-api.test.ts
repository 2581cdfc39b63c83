import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { listAt, numberAt, textAt } from "../../src/kubernetes/field.ts";
import { type CaseOptions, type CaseRun, runCase } from "./support.ts";

/** Releases whose weights are those of routes of the Gateway API. */
const world = "gateway-api";

const routeOf = ({ api }: Sandbox, plural = "httproutes") =>
  api.store.get(kindNamed(plural), "shop", "reviews") ?? assert.fail("the route is gone");

const backendsOf = (sandbox: Sandbox, plural?: string): string =>
  listAt(routeOf(sandbox, plural), "spec", "rules", 0, "backendRefs")
    .map((one) => `${textAt(one, "name")} ${numberAt(one, "weight")}`)
    .join(", ");

/** The world with routes of another kind, and everything else as it is. */
const asGrpc: CaseOptions = {
  change: {
    "world.yaml": (text) => text.replace("kind: HTTPRoute", "kind: GRPCRoute").replace(/ {6}timeouts: .*\n/, ""),
    "canary.yaml": (text) => text.replace("httpRoute", "grpcRoute"),
  },
};

const inWorld = (edit: (text: string) => string): CaseOptions => ({ change: { "world.yaml": edit } });
const configured = (edit: (text: string) => string): CaseOptions => ({ change: { "canary.yaml": edit } });

describe("routes of the Gateway API", { concurrency: 4 }, () => {
  for (const [plural, options] of [
    ["httproutes", {}],
    ["grpcroutes", asGrpc],
  ] as const)
    test(`a good release by ${plural} ends with everything on the new version, and nobody's request fails`, async (t) => {
      const run = await runCase(t, world, options);
      assert.equal(run.exit, 0, run.said);
      assert.equal(run.traffic.bad, 0, run.said);
      assert.ok((run.traffic.byVersion.v2 ?? 0) > 0, run.said);
      assert.equal(backendsOf(run.sandbox, plural), "reviews-v2 1");
      const { status, metadata } = routeOf(run.sandbox, plural);
      for (const parent of listAt(status, "parents"))
        assert.equal(numberAt(parent, "conditions", 0, "observedGeneration"), metadata.generation);
    });

  test("a bad release goes back, and the route is what it was to the last byte", async (t) => {
    let before = "";
    const run = await runCase(t, world, {
      ...configured((text) =>
        text
          .replace("reviews:v2", "reviews:v2-err50")
          .replace(/gates: .*/, "gates: [errors: { atMost: 5%, minRequests: 5 }]")
          .replace("20:1s", "20:20s"),
      ),
      before(sandbox) {
        before = JSON.stringify(routeOf(sandbox).spec);
      },
    });
    assert.equal(run.exit, 1, run.said);
    assert.match(run.said, /rolled back/i);
    assert.equal(JSON.stringify(routeOf(run.sandbox).spec), before);
  });

  test("stable gets the new image where it is updated, and the route ends as it began", async (t) => {
    let before = "";
    const run = await runCase(t, world, {
      ...configured((text) => `${text}promotion: update\n`),
      before(sandbox) {
        before = JSON.stringify(routeOf(sandbox).spec);
      },
    });
    assert.equal(run.exit, 0, run.said);
    assert.equal(run.traffic.bad, 0, run.said);
    assert.equal(JSON.stringify(routeOf(run.sandbox).spec), before);
  });

  const unnamed = (text: string): string => text.replace("routes: { httpRoute: reviews }\n", "");

  test("the one route that sends to the service is found where none is named", async (t) => {
    const run = await runCase(t, world, configured(unnamed));
    assert.equal(run.exit, 0, run.said);
    assert.equal(backendsOf(run.sandbox), "reviews-v2 1");
  });

  test("of several routes that send to the service none is guessed", async (t) => {
    const other =
      "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: public, namespace: shop}\nspec: {hosts: [reviews.example.com], gateways: [x], http: [{route: [{destination: {host: reviews-v1}}]}]}\n";
    const run = await runCase(t, world, {
      change: { "world.yaml": (text) => text + other, "canary.yaml": unnamed },
    });
    assert.equal(run.exit, 2, run.said);
    assert.match(
      run.said,
      /Several routes send to reviews \(VirtualService shop\/public, HTTPRoute shop\/reviews\), none is VirtualService shop\/reviews, and the configuration names none/,
    );
    assert.equal(numberAt(routeOf(run.sandbox).metadata, "generation"), 1);
  });

  test("a route that is not followed any more in the middle of a stage is given back", async (t) => {
    const run = await runCase(t, world, {
      change: {
        "world.yaml": (text) =>
          `${text}    - {name: more, matches: [{path: {value: /more}}], backendRefs: [{name: more, port: 9080}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: more, namespace: shop}\nspec: {selector: {app: more}, ports: [{name: http, port: 9080}]}\n`,
        "canary.yaml": (text) => text.replace("20:1s", "20:60s"),
      },
      before({ api, gateway }) {
        const services = kindNamed("services");
        gateway.events.on("followed", () => {
          const journal = api.store.get(kindNamed("configmaps"), "shop", "istio-canary-reviews");
          const more = api.store.get(services, "shop", "more");
          if (more && JSON.stringify(journal ?? {}).includes("baking")) api.store.remove(services, more);
        });
      },
    });
    assert.equal(run.exit, 1, run.said);
    assert.match(
      run.said,
      /reviews is not followed any more \(Service shop\/reviews: ResolvedRefs is False: BackendNotFound/,
    );
    assert.equal(backendsOf(run.sandbox), "reviews-v1 1");
  });

  for (const [what, options, said] of [
    [
      "a VirtualService for the same calls",
      inWorld(
        (text) =>
          `${text}---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: old, namespace: shop}\nspec: {hosts: [reviews.shop.svc.cluster.local], http: [{route: [{destination: {host: reviews-v1}}]}]}\n`,
      ),
      /HTTPRoute shop\/reviews: rule "primary" and VirtualService shop\/old: http route #0 are for the same calls in the mesh/,
    ],
    [
      "a canary without a Service",
      inWorld((text) =>
        text.replace(
          "metadata: {name: reviews-v2, namespace: shop}\nspec:\n  selector",
          "metadata: {name: reviews-v3, namespace: shop}\nspec:\n  selector",
        ),
      ),
      /reviews-v2/,
    ],
    [
      "one Service for both",
      configured((text) => text.replace("host: reviews-v2", "host: reviews-v1")),
      /expected another destination than stable's/,
    ],
    [
      "a Service of stable's that selects the canary's pods, too",
      inWorld((text) =>
        text.replace("selector: {app: reviews, version: v1}\n  ports", "selector: {app: reviews}\n  ports"),
      ),
      /Stable's destination, Service shop\/reviews-v1 .* would select the canary's pods/,
    ],
    [
      "subsets",
      configured((text) => text.replace("host: reviews-v1 }", "host: reviews-v1, subset: v1 }")),
      /HTTPRoutes know Services, and no subsets \(v1\)/,
    ],
    [
      "a route that nobody follows",
      inWorld((text) => text.replace(/ {2}parentRefs:\n.*\n.*\n/, "  parentRefs: [{name: absent}]\n")),
      /HTTPRoute shop\/reviews is followed by nobody: no controller has taken it up \(parentRefs: Gateway shop\/absent\)/,
    ],
    [
      "a backend that is not there",
      inWorld(
        (text) =>
          `${text}    - {name: more, matches: [{path: {value: /more}}], backendRefs: [{name: nobody, port: 80}]}\n`,
      ),
      /is not followed as it stands \(Service shop\/reviews: ResolvedRefs is False: BackendNotFound.*; IST0171\)/,
    ],
    [
      "a single backend of weight 0",
      inWorld((text) =>
        text.replace("[{name: reviews-v1, port: 9080}]", "[{name: reviews-v1, port: 9080, weight: 0}]"),
      ),
      /the weights of its 1 destination sum to 0/,
    ],
    [
      "a rule that is not there",
      configured((text) => text.replace("{ httpRoute: reviews }", "{ httpRoute: reviews, routes: [second] }")),
      /HTTPRoute shop\/reviews: no rule is called "second" \(found: "primary" to reviews-v1 port 9080\)/,
    ],
  ] as const)
    test(`${what} is refused, and nothing is changed`, async (t) => {
      const run: CaseRun = await runCase(t, world, options);
      assert.equal(run.exit, 2, run.said);
      assert.match(run.said, said);
      assert.equal(numberAt(routeOf(run.sandbox).metadata, "generation"), 1);
    });
});

import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { routeIn } from "../../sandbox/shop.ts";
import { parseWorld } from "../../sandbox/world.ts";
import { deploymentOf, routeOf } from "../integration/facts.ts";
import { type CaseOptions, type CaseRun, runCase } from "./support.ts";

/* Issue 10, section 1: a swap strands nobody. */

type Case = CaseOptions & { readonly world: string; readonly seen: (run: CaseRun) => void };

/** Every word is said, and nothing was changed. */
const refused =
  (...words: readonly (string | RegExp)[]) =>
  ({ exit, said, sandbox, notTaken }: CaseRun): void => {
    assert.deepEqual(notTaken, []);
    assert.equal(exit, 2, said);
    for (const word of words) assert.ok(typeof word === "string" ? said.includes(word) : word.test(said), said);
    assert.ok(!sandbox.api.requests.all().some(isWrite), said);
  };

/** What a preflight asks for, and tries, is no write; neither is the lock. */
const isWrite = ({ method, path }: { readonly method: string; readonly path: string }): boolean =>
  method !== "GET" && !/dryRun=All|selfsubjectaccessreviews|leases/.test(path);

/** It goes on, no customer is without an answer, and the probes end where they should. */
const released =
  (...versions: readonly string[]) =>
  ({ exit, traffic, said, probes, notTaken }: CaseRun): void => {
    assert.deepEqual(notTaken, []);
    assert.equal(exit, 0, said);
    assert.equal(traffic.bad, 0, said);
    assert.deepEqual(probes, versions, said);
  };

const ways = ["routes", "keepOld: true", "promotion: update"];

type Change = NonNullable<CaseOptions["change"]>;
const adding = (text: string): Change => ({ "world.yaml": (world) => `${world}\n---\n${text}` });
const configuring = (text: string): Change => ({ "canary.yaml": (file) => `${file}\n${text}\n` });
const rules = (spec: string, name = "other", namespace = "shop"): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}`;
const service = (name: string, selector: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: ${selector}, ports: [{ name: http, port: 9080 }] }`;

const host = "reviews.shop.svc.cluster.local";
const [one, two, third] = ["c01-other-routes-swap", "c03-second-vs-swap", "c04-tls-route-same-service-swap"];
/** A world in which a swap strands nobody. */
const sound = "two-versions";

/** The same versions, each behind a Service of its own, beside one for both. */
const byHost = (more = "", edit: Change = {}): Change => ({
  "world.yaml": (world) => {
    const route = "hosts: [reviews]\n  http:\n    - route:\n";
    const hosts = world
      .replace("{destination: {host: reviews, subset: v1}", "{destination: {host: reviews-v1}")
      .replace("{destination: {host: reviews, subset: v2}", "{destination: {host: reviews-v2}");
    assert.ok(hosts.includes(route));
    const own = ["v1", "v2"].map((version) => service(`reviews-${version}`, `{ app: reviews, version: ${version} }`));
    const text = [hosts, ...own, more].filter(Boolean).join("\n---\n");
    return edit["world.yaml"]?.(text) ?? text;
  },
  "canary.yaml": (file) => {
    const text = file
      .replace("reviews-v1, subset: v1", "reviews-v1, host: reviews-v1")
      .replace("reviews-v2, subset: v2", "reviews-v2, host: reviews-v2");
    return edit["canary.yaml"]?.(text) ?? text;
  },
});
const ofStable = "spec: { selector: { app: reviews, version: v1 }";
const exposed = (how: string): Change =>
  byHost("", {
    "world.yaml": (text) => text.replace(ofStable, `spec: { ${how}, selector: { app: reviews, version: v1 }`),
  });
const entry = (spec: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: legacy, namespace: shop }
spec: { hosts: [reviews.legacy.internal], ports: [{ number: 9080, name: http, protocol: HTTP }], ${spec} }`;
const front = (destination: string): string =>
  rules(
    `{ hosts: [shop.example.com], gateways: [public], http: [{ route: [{ destination: ${destination} }] }] }`,
    "front",
  );

const cases: Readonly<Record<string, Case>> = {
  "c01: rules for stable alone, beside one that moves": {
    world: one,
    seen: refused('route "static" sends 100%', 'route "rest"', "reviews subset v1", "[api, static, rest]", ...ways),
  },
  "c01: plan says the same": { world: one, command: "plan", seen: refused('route "static"', 'route "rest"', ...ways) },
  "c01: they move as well, as the refusal says": {
    world: one,
    change: configuring("routes: [{ virtualService: shop/reviews, routes: [api, static, rest] }]"),
    seen: released("v2", "v2", "v2"),
  },
  "c01: routes that name one rule do not make the others safe": {
    world: one,
    change: configuring("routes: [{ virtualService: shop/reviews, routes: [api] }]"),
    seen: refused('route "static"', 'route "rest"'),
  },
  "c01: the old pods are kept": {
    world: one,
    change: configuring("promotion: { model: swap, keepOld: true }"),
    seen: released("v2", "v1", "v1"),
  },
  "c01u: stable gets the image": { world: "c01u-other-routes-update", seen: released("v2", "v2", "v2") },
  "c01: an old version that is kept for a time would be kept for longer, and that is said": {
    world: one,
    change: configuring("promotion: { model: swap, keepOld: 10m }"),
    seen: (run) => {
      released("v2", "v1", "v1")(run);
      assert.match(run.said, /route "static" .*reviews-v1 keeps its pods/);
    },
  },

  "c03: a gateway's VirtualService": {
    world: two,
    seen: refused("VirtualService shop/public: http route #0", `${host} subset v1`, ...ways),
  },
  "c03: it moves as well": {
    world: two,
    change: configuring("routes: [reviews, public]"),
    seen: released("v2", "v2"),
  },
  "c04: a tls rule of the same VirtualService": {
    world: third,
    seen: refused("VirtualService shop/reviews: tls route #0", "keepOld: true", "promotion: update"),
  },
  "c04: the old pods are kept": {
    world: third,
    change: configuring("promotion: { model: swap, keepOld: true }"),
    seen: released(),
  },

  "c141: a mirror to the canary ends with the first write, and nothing is done twice": {
    world: "c141-httpbin-mirror",
    ...countingCopies(),
  },
  "c18: nor where both versions are there, and testers have a rule of their own": {
    world: "c18-mirror-to-canary",
    ...countingCopies(),
  },
  "a mirror to the canary by another host": {
    world: sound,
    change: {
      "world.yaml": (world) =>
        `${world.replace("    - route:", "    - mirror: { host: shadow }\n      route:")}\n---\n${service("shadow", "{ app: reviews, version: v2 }")}`,
    },
    seen: refused("VirtualService shop/reviews: http route #0", "copies them to shadow", "done twice"),
  },
  "a mirror to stable in a rule that moves": {
    world: sound,
    change: {
      "world.yaml": (world) =>
        world.replace(
          "    - route:",
          "    - mirror: { host: reviews, subset: v1 }\n      mirrorPercentage: { value: 5 }\n      route:",
        ),
    },
    seen: refused("http route #0 copies 5% of its requests to reviews subset v1", "Take its mirror away"),
  },

  "a tcp rule": {
    world: sound,
    change: adding(
      rules(
        "{ hosts: [tcp.shop], tcp: [{ match: [{ port: 9090 }], route: [{ destination: { host: reviews, subset: v1 } }] }] }",
      ),
    ),
    seen: refused(
      "VirtualService shop/other: tcp route #0",
      "reviews subset v1",
      "Name it beside the others, if its requests are to follow",
      "Name shop/other under routes as well, so that it moves with the others",
    ),
  },
  "a part of a rule": {
    world: sound,
    change: adding(
      rules(
        `{ hosts: [half.example.com], http: [{ route: [{ destination: { host: ${host}, subset: v1 }, weight: 25 }, { destination: { host: ${host}, subset: v2 }, weight: 75 }] }] }`,
      ),
    ),
    seen: refused("VirtualService shop/other: http route #0 sends 25%"),
  },
  "one without requests is not left": {
    world: sound,
    change: adding(
      rules(
        `{ hosts: [half.example.com], http: [{ route: [{ destination: { host: ${host}, subset: v1 }, weight: 0 }, { destination: { host: ${host}, subset: v2 }, weight: 100 }] }] }`,
      ),
    ),
    seen: released(),
  },
  "copies of another service's requests": {
    world: sound,
    change: adding(
      rules(
        `{ hosts: [x], http: [{ route: [{ destination: { host: x } }], mirrors: [{ destination: { host: ${host}, subset: v2 } }, { destination: { host: ${host}, subset: v1 }, percentage: { value: 10 } }] }] }`,
      ),
    ),
    seen: refused(`VirtualService shop/other: http route #0 copies 10% of its requests to ${host} subset v1`),
  },
  "a delegate": {
    world: sound,
    change: adding(
      `${rules("{ hosts: [root.example.com], http: [{ delegate: { name: child } }] }", "root")}\n---\n${rules(`{ http: [{ route: [{ destination: { host: ${host}, subset: v1 } }] }] }`, "child")}`,
    ),
    seen: refused("VirtualService shop/child: http route #0"),
  },
  "a VirtualService of another namespace": {
    world: sound,
    change: adding(
      `apiVersion: v1\nkind: Namespace\nmetadata: { name: edge }\n---\n${rules(`{ hosts: [shop.example.com], gateways: [public], http: [{ name: front, route: [{ destination: { host: ${host}, subset: v1 } }] }] }`, "front", "edge")}`,
    ),
    seen: refused('VirtualService edge/front: route "front"', "Name edge/front under routes"),
  },
  "another subset with stable's labels": {
    world: sound,
    change: {
      "world.yaml": (world) =>
        `${world.replace("- {name: v1, labels: {version: v1}}", "- {name: v1, labels: {version: v1}}\n    - {name: current, labels: {version: v1}}")}\n---\n${rules(`{ hosts: [current.example.com], http: [{ route: [{ destination: { host: ${host}, subset: current } }] }] }`)}`,
    },
    seen: refused("VirtualService shop/other: http route #0", "subset current"),
  },
  "a subset that only a DestinationRule of the caller's namespace defines": {
    world: sound,
    change: adding(
      `apiVersion: v1\nkind: Namespace\nmetadata: { name: edge }\n---\n${rules(`{ hosts: [shop.example.com], gateways: [public], http: [{ name: front, route: [{ destination: { host: ${host}, subset: live } }] }] }`, "front", "edge")}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: edge }
spec: { host: ${host}, subsets: [{ name: live, labels: { version: v1 } }] }`,
    ),
    seen: refused('VirtualService edge/front: route "front" sends 100%', "subset live"),
  },
  "a Service that selects stable's pods alone": {
    world: sound,
    change: adding(service("reviews-v1", "{ app: reviews, version: v1 }")),
    seen: refused("Service shop/reviews-v1 selects the pods of reviews-v1 alone (app=reviews, version=v1)", "keepOld"),
  },
  "one that selects both, or nothing of theirs, is left alone": {
    world: sound,
    change: adding(`${service("all", "{ app: reviews }")}\n---\n${service("ratings", "{ app: ratings }")}`),
    seen: released(),
  },
  "versions by host, and nobody beside the route": { world: sound, change: byHost(), seen: released() },
  "stable's own Service behind a load balancer": {
    world: sound,
    change: exposed("type: LoadBalancer"),
    seen: refused(
      "Service shop/reviews-v1 can be reached by its load balancer, past every route, and selects the pods of reviews-v1 alone",
      "keepOld: true",
      "promotion: update",
    ),
  },
  "stable's own Service by a port of every node": {
    world: sound,
    change: exposed("type: NodePort"),
    seen: refused("Service shop/reviews-v1 can be reached by its node port"),
  },
  "stable's own Service by external addresses": {
    world: sound,
    change: exposed("externalIPs: [192.0.2.7]"),
    seen: refused("Service shop/reviews-v1 can be reached by its external addresses"),
  },
  "an Ingress to stable's own Service": {
    world: sound,
    change: byHost(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
spec: { rules: [{ host: shop.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: reviews-v1, port: { number: 9080 } } } }] } }] }`),
    seen: refused("Ingress shop/web: shop.example.com/ sends its requests to Service reviews-v1, past every route"),
  },
  "another name for stable's own Service, and a rule that uses it": {
    world: sound,
    change: byHost(`apiVersion: v1
kind: Service
metadata: { name: reviews-old, namespace: shop }
spec: { type: ExternalName, externalName: reviews-v1.shop.svc.cluster.local }
---
${front("{ host: reviews-old }")}`),
    seen: refused(
      "Service shop/reviews-old is another name for reviews-v1.shop.svc.cluster.local, which selects the pods of reviews-v1 alone",
      "VirtualService shop/front: http route #0 sends 100% of its requests to reviews-old",
    ),
  },
  "a ServiceEntry that selects stable's pods alone": {
    world: sound,
    change: adding(
      entry("location: MESH_INTERNAL, resolution: STATIC, workloadSelector: { labels: { app: reviews, version: v1 } }"),
    ),
    seen: refused("ServiceEntry shop/legacy selects the pods of reviews-v1 alone (app=reviews, version=v1)", "keepOld"),
  },
  "one that leads to a Service of stable's pods": {
    world: sound,
    change: byHost(entry("resolution: DNS, endpoints: [{ address: reviews-v1.shop.svc.cluster.local }]")),
    seen: refused(
      "ServiceEntry shop/legacy sends to reviews-v1.shop.svc.cluster.local, which leads to the pods of reviews-v1 alone",
    ),
  },
  "a WorkloadEntry of one that leads there": {
    world: sound,
    change: byHost(`${entry("resolution: DNS, workloadSelector: { labels: { app: legacy } }")}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: legacy, namespace: shop }
spec: { address: reviews-v1.shop.svc.cluster.local, labels: { app: legacy } }`),
    seen: refused("ServiceEntry shop/legacy sends to reviews-v1.shop.svc.cluster.local"),
  },
  "one that selects the pods of both versions is left alone": {
    world: sound,
    change: adding(
      entry("location: MESH_INTERNAL, resolution: STATIC, workloadSelector: { labels: { app: reviews } }"),
    ),
    seen: released(),
  },

  "a rule that spells stable otherwise is told how it could move": {
    world: sound,
    change: byHost(front(`{ host: ${host}, subset: v1 }`)),
    seen: refused(
      `Write host reviews-v1 without a subset there instead of ${host} subset v1`,
      "Name shop/front under routes as well",
    ),
  },
  "and moves then": {
    world: sound,
    change: byHost(front("{ host: reviews-v1 }"), {
      "canary.yaml": (file) => `${file}\nroutes: [reviews, shop/front]\n`,
    }),
    seen: released(),
  },
  "a mirror of somebody else's rule has to go, since it cannot move": {
    world: sound,
    change: adding(
      rules("{ hosts: [x], http: [{ route: [{ destination: { host: x } }], mirror: { host: reviews, subset: v1 } }] }"),
    ),
    seen: (run) => {
      refused("http route #0 copies 100% of its requests to reviews subset v1", "Take its mirror away")(run);
      assert.doesNotMatch(run.said, /under routes as well|routes: \[\{/);
    },
  },
  "beside a rule that can move it alone is named": {
    world: sound,
    change: adding(
      rules(
        "{ hosts: [x], http: [{ name: audit, route: [{ destination: { host: x } }], mirror: { host: reviews, subset: v1 } }, { name: vip, route: [{ destination: { host: reviews, subset: v1 } }] }] }",
      ),
    ),
    seen: refused("Take its mirror away", "routes: [{ virtualService: shop/other, routes: [vip] }]"),
  },
  "a rule of another section moves where it is named beside those of http": {
    world: third,
    seen: refused(
      "tls route #0 sends 100%",
      'Let it move with the others: routes: [{ virtualService: shop/reviews, routes: [primary, "tls#0"] }]',
    ),
  },
  "where the roles are exchanged, update is one of the other way round": {
    world: sound,
    change: {
      "world.yaml": (world) =>
        `${world
          .replace("subset: v1}, weight: 100", "subset: v1}, weight: 0")
          .replace(
            "subset: v2}, weight: 0",
            "subset: v2}, weight: 100",
          )}\n---\n${service("only-v2", "{ app: reviews, version: v2 }")}`,
    },
    seen: refused("promotion: update, with stable and canary exchanged in the configuration"),
  },

  "a route of the Gateway API": {
    world: sound,
    change: adding(`${service("reviews-v1", "{ app: reviews, version: v1 }")}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: front, namespace: shop }
spec: { rules: [{ backendRefs: [{ name: reviews-v1, port: 9080 }] }] }`),
    seen: refused("HTTPRoute shop/front: rule #0 sends 100% of its requests to reviews-v1"),
  },

  "a rule for stable alone that somebody makes while the release runs keeps stable's pods": {
    world: sound,
    before: whenWeights(
      "v1 80, v2 20",
      rules(
        `{ hosts: [shop.example.com], http: [{ name: late, route: [{ destination: { host: ${host}, subset: v1 } }] }] }`,
      ),
    ),
    seen: ({ exit, said, traffic, sandbox }) => {
      assert.equal(exit, 3, said);
      assert.match(said, /stable keeps its pods, .*VirtualService shop\/other: route "late"/);
      const left = [...said.matchAll(/not as it should be: (.*)/g)].map(([, what]) => what);
      assert.deepEqual(left, ["Deployment shop/reviews-v1 is scaled to 2, not 0"]);
      assert.equal(traffic.bad, 0);
      assert.equal(deploymentOf(sandbox, "reviews-v1")?.replicas, 2);
      assert.equal(routeOf(sandbox), "v1 0, v2 100");
    },
  },
  "so does one for the newer version when it is undone: the undo goes on, and its pods stay": {
    world: sound,
    command: "release then undo",
    before: whenWeights(
      "v1 0, v2 100",
      rules(
        `{ hosts: [shop.example.com], http: [{ name: late, route: [{ destination: { host: ${host}, subset: v2 } }] }] }`,
      ),
    ),
    seen: ({ ends, said, traffic, sandbox }) => {
      assert.deepEqual(
        ends.map(({ exit }) => exit),
        [0, 3],
        said,
      );
      assert.match(said, /route "late" sends 100% .* The undo goes on. reviews-v2 keeps its pods for it/);
      assert.match(said, /stable keeps its pods, .*VirtualService shop\/other: route "late"/);
      assert.equal(traffic.bad, 0);
      assert.equal(routeOf(sandbox), "v1 100, v2 0");
      assert.equal(deploymentOf(sandbox, "reviews-v2")?.replicas, 2);
    },
  },
  "the end of the time for which the old version was kept takes no pods that somebody needs": {
    world: one,
    command: "release --keep-old=10m then release",
    seen: ({ ends, said, traffic, probes, sandbox }) => {
      assert.deepEqual(
        ends.map(({ exit }) => exit),
        [0, 3],
        said,
      );
      assert.match(said, /could not be ended: .*reviews-v1 is scaled to 2, not 0/);
      assert.match(said, /stable keeps its pods, .*route "static" .*route "rest"/);
      assert.equal(traffic.bad, 0);
      assert.deepEqual(probes, ["v2", "v1", "v1"]);
      assert.equal(deploymentOf(sandbox, "reviews-v1")?.replicas, 2);
    },
  },
};

/** Copies are sent before the release, and none of them to the version that has the request itself. */
function countingCopies(): Pick<Case, "before" | "seen"> {
  const copies = { useful: 0, doubled: 0 };
  return {
    before: ({ gateway }) =>
      void gateway.events.on("copied", (from, to) => {
        copies[from.slice(0, "reviews-v2".length) === to.slice(0, "reviews-v2".length) ? "doubled" : "useful"]++;
      }),
    seen: (run) => {
      released()(run);
      assert.ok(copies.useful > 0);
      assert.equal(copies.doubled, 0);
      assert.match(run.said, /takes the mirror to reviews subset v2 away .* a swap does not/);
    },
  };
}

/** Applies it as soon as the route is so. */
function whenWeights(route: string, text: string): NonNullable<CaseOptions["before"]> {
  return ({ api }) => {
    const timer = setInterval(() => {
      if (routeIn(api.store) !== route) return;
      clearInterval(timer);
      api.apply(parseWorld(text));
    }, 20);
    timer.unref();
  };
}

describe("a swap strands nobody", { concurrency: 4 }, () => {
  for (const [what, { world, seen, ...options }] of Object.entries(cases))
    test(what, async (t) => seen(await runCase(t, world, options)));
});

import assert from "node:assert/strict";
import test from "node:test";
import { virtualServiceFacts } from "../../../src/adapters/virtual-service/survey-routes.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { RouteFact, Viewer } from "../../../src/ports/route-family.ts";
import { targetOf, virtualService } from "./given.ts";

const target = targetOf({ stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } });
const to = (subset: string | undefined, weight?: number, host = "app") => ({ destination: { host, subset }, weight });
const factsIn = (...objects: readonly KubernetesObject[]): readonly RouteFact[] => virtualServiceFacts(objects, target);
const only = (...objects: readonly KubernetesObject[]): RouteFact => factsIn(...objects)[0] ?? assert.fail("no fact");

test("every rule is a fact of its section, with its place in words", () => {
  const facts = factsIn(
    virtualService({
      http: [{ name: "api", route: [to("v1")] }, { route: [to("v1")] }],
      tls: [{ match: [{ sniHosts: ["app.example.com"] }], route: [to("v1")] }],
      tcp: [{ route: [to("v1")] }],
    }),
  );
  assert.deepEqual(
    facts.map(({ section, where }) => `${section}, ${where}`),
    [
      'http, VirtualService ns1/app: route "api"',
      "http, VirtualService ns1/app: http route #1",
      "tls, VirtualService ns1/app: tls route #0",
      "tcp, VirtualService ns1/app: tcp route #0",
    ],
  );
});

test("only what the release writes moves, and only what the target names is chosen", () => {
  const rules = [
    { name: "primary", route: [to("v1", 100), to("v2", 0)] },
    { name: "stays", route: [to("v1")] },
  ];
  const facts = factsIn(
    virtualService({ http: rules, tcp: [{ route: [to("v1")] }] }),
    virtualService({ http: rules }, { name: "other" }),
    virtualService({ http: rules }, { namespace: "elsewhere" }),
  );
  assert.deepEqual(
    facts.map(({ isChosen, moves }) => [isChosen, moves]),
    [[true, true], [true, false], [true, false], ...Array.from({ length: 4 }, () => [false, false])],
  );
});

test("destinations have their part of the requests, and copies theirs", () => {
  const { destinations } = only(
    virtualService({
      http: [
        {
          route: [to("v1", 3), to(undefined, 1, "other")],
          mirror: { host: "shadow" },
          mirrorPercentage: { value: 10 },
          mirrors: [{ destination: { host: "copy", subset: "v9" } }],
        },
      ],
    }),
  );
  assert.deepEqual(
    destinations.map(({ host, subset, share, mirror }) => ({ host: host.text, subset, share, mirror })),
    [
      { host: "app", subset: "v1", share: 0.75, mirror: false },
      { host: "other", subset: undefined, share: 0.25, mirror: false },
      { host: "shadow", subset: undefined, share: 0.1, mirror: true },
      { host: "copy", subset: "v9", share: 1, mirror: true },
    ],
  );
});

const rule = { route: [to("v1")] };
const wordOf = ({ who, hosts, namespaces }: Viewer): string =>
  `${who === "mesh" ? "mesh" : `${who.namespace}/${who.name}`} for ${hosts.map(({ text }) => text)} in ${namespaces ?? "all"}`;

for (const [what, spec, viewers] of [
  ["without gateways the mesh", { hosts: ["app"] }, ["mesh for app in all"]],
  ["a gateway", { hosts: ["app.example.com"], gateways: ["public"] }, ["ns1/public for app.example.com in all"]],
  [
    "gateways and the mesh",
    { hosts: ["app", "b"], gateways: ["public", "mesh"] },
    ["mesh for app,b in all", "ns1/public for app,b in all"],
  ],
  ["those to whom it is exported", { hosts: ["app"], exportTo: [".", "web"] }, ["mesh for app in ns1,web"]],
  ["everybody to whom it is exported", { hosts: ["app"], exportTo: ["*"] }, ["mesh for app in all"]],
  ["nobody, for a delegate that nobody names", {}, []],
] as const) {
  test(`a rule is seen by ${what}`, () =>
    assert.deepEqual(only(virtualService({ ...spec, http: [rule] })).seenBy.map(wordOf), viewers));
}

test("a delegate is seen by whoever sees the routes that name it", () => {
  const child = virtualService({ http: [rule] });
  const root = (name: string, namespace: string, delegate: object, gateways?: readonly string[]) =>
    virtualService({ hosts: [name], gateways, http: [{ delegate }] }, { name, namespace });
  const [fact] = factsIn(
    child,
    root("one", "ns1", { name: "app" }),
    root("two", "edge", { name: "app", namespace: "ns1" }, ["public"]),
    root("three", "edge", { name: "app" }),
  );
  assert.deepEqual(fact?.seenBy.map(wordOf), ["mesh for one in all", "edge/public for two in all"]);
});

import assert from "node:assert/strict";
import test from "node:test";
import { rulesFor, subsetFor } from "../../src/istio/destination-rule.ts";
import { readHost } from "../../src/istio/host.ts";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";

const rule = (host: string, name = host, namespace = "shop", more: object = {}): KubernetesObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name, namespace },
  spec: { host, ...more },
});
const reviews = readHost("reviews", "shop");
const namesFor = (rules: readonly KubernetesObject[]): readonly string[] =>
  rulesFor(rules, reviews).map(({ object }) => object.metadata.name);

const all = rule("*", "all");
const wide = rule("*.shop.svc.cluster.local", "wide");
const short = rule("reviews", "short");
const full = rule("reviews.shop.svc.cluster.local", "full");
const other = rule("ratings");
const elsewhere = rule("reviews", "elsewhere", "other");

for (const [what, rules, expected] of [
  ["rules for the host alone, all of them", [short, other, full, elsewhere], ["short", "full"]],
  ["a rule for the host alone before a wildcard", [wide, all, short], ["short"]],
  ["the longest wildcard", [all, wide], ["wide"]],
  ["any wildcard", [other, all], ["all"]],
  ["no other's", [other, elsewhere], []],
] as const) {
  test(`for a host Istio takes ${what}`, () => assert.deepEqual(namesFor(rules), expected));
}

test("a subset is found with its labels, its rule in words, and every field", () => {
  const raw = { name: "v1", labels: { version: "v1" }, trafficPolicy: { loadBalancer: { simple: "RANDOM" } } };
  const again = { name: "v1", labels: { version: "two" } };
  const rules = [rule("reviews", "first", "shop", { subsets: [raw, again] })];
  assert.deepEqual(subsetFor(rules, reviews, "v1"), {
    name: "v1",
    labels: { version: "v1" },
    rule: "DestinationRule shop/first",
    raw,
  });
  assert.equal(subsetFor(rules, reviews, "v2"), undefined);
});

test("who sees a rule is what it says of it", () => {
  const more = { exportTo: ["."], workloadSelector: { matchLabels: { app: "web" } }, trafficPolicy: {} };
  const [one, none] = [rule("reviews", "one", "shop", more), rule("reviews", "none")];
  assert.deepEqual(
    rulesFor([one, none], reviews).map(({ seenBy }) => seenBy),
    [{ exportTo: ["."], workloadSelector: { matchLabels: { app: "web" } } }, {}],
  );
});

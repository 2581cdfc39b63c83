import assert from "node:assert/strict";
import test from "node:test";
import { namespaceOf, resolveHost, sameHost, writtenLike } from "../../../src/adapters/virtual-service/host.ts";

const same: readonly (readonly [a: string, b: string, same: boolean])[] = [
  ["reviews", "reviews", true],
  ["reviews", "reviews.shop", true],
  ["reviews", "reviews.shop.svc", true],
  ["reviews", "reviews.shop.svc.cluster.local", true],
  ["reviews", "reviews.shop.svc.corp.example", true],
  ["reviews.shop.svc.cluster.local", "reviews.shop.svc.corp.example", false],
  ["reviews", "reviews.other", false],
  ["reviews", "reviews.other.svc.cluster.local", false],
  ["reviews", "ratings", false],
  ["reviews", "reviews-shop", false],
  ["api.example.com", "api.example.com", true],
  ["api.example.com", "api.example.org", false],
  ["reviews.shop", "reviews.shop.example.com", false],
  ["10.0.0.1", "10.0.0.2", false],
];

for (const [a, b, expected] of same) {
  test(`in namespace shop ${a} and ${b} are ${expected ? "one host" : "two hosts"}`, () => {
    assert.equal(sameHost(resolveHost(a, "shop"), resolveHost(b, "shop")), expected);
    assert.equal(sameHost(resolveHost(b, "shop"), resolveHost(a, "shop")), expected);
  });
}

test("a short name belongs to the namespace of the object it stands in", () => {
  assert.equal(sameHost(resolveHost("reviews", "ingress"), resolveHost("reviews", "shop")), false);
  assert.equal(sameHost(resolveHost("reviews.shop", "ingress"), resolveHost("reviews", "shop")), true);
});

const namespaces: readonly (readonly [host: string, namespace: string | undefined])[] = [
  ["reviews", "shop"],
  ["reviews.other", "other"],
  ["reviews.other.svc.cluster.local", "other"],
  ["api.example.com", undefined],
];

for (const [host, expected] of namespaces) {
  test(`in namespace shop ${host} is in ${expected ?? "no namespace"}`, () =>
    assert.equal(namespaceOf(host, "shop"), expected));
}

const spellings: readonly (readonly [model: string, at: string, text: string, own: string, written: string])[] = [
  ["app-stable", "shop", "app-canary", "shop", "app-canary"],
  ["app-stable.shop.svc.cluster.local", "shop", "app-canary", "shop", "app-canary.shop.svc.cluster.local"],
  ["app-stable.shop.svc.corp", "ingress", "app-canary", "shop", "app-canary.shop.svc.corp"],
  ["app-stable", "shop", "app-canary.other", "shop", "app-canary.other.svc.cluster.local"],
  ["app-stable.shop.svc.corp", "shop", "app-canary.other", "shop", "app-canary.other.svc.corp"],
  ["app-stable", "shop", "app-canary.other.svc.corp", "shop", "app-canary.other.svc.corp"],
  ["app.shop.svc.cluster.local", "shop", "app", "shop", "app.shop.svc.cluster.local"],
  ["app-stable", "shop", "canary.example.com", "shop", "canary.example.com"],
];

for (const [model, at, text, own, written] of spellings) {
  test(`beside ${model} in ${at} the host ${text} of ${own} is written ${written}`, () =>
    assert.equal(writtenLike(model, at, text, own), written));
}

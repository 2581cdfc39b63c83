import assert from "node:assert/strict";
import test from "node:test";
import { covers, readHost, sameHost, writtenLike } from "../../src/istio/host.ts";

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
  ["*", "*.shop", false],
  ["*.shop.svc.cluster.local", "*.shop.svc.cluster.local", true],
  ["", "reviews", false],
];

for (const [a, b, expected] of same) {
  test(`in namespace shop ${a} and ${b} are ${expected ? "one host" : "two hosts"}`, () => {
    assert.equal(sameHost(readHost(a, "shop"), readHost(b, "shop")), expected);
    assert.equal(sameHost(readHost(b, "shop"), readHost(a, "shop")), expected);
  });
}

test("a short name belongs to the namespace of the object it stands in", () => {
  assert.equal(sameHost(readHost("reviews", "ingress"), readHost("reviews", "shop")), false);
  assert.equal(sameHost(readHost("reviews.shop", "ingress"), readHost("reviews", "shop")), true);
  assert.equal(sameHost(readHost("api.example.com", "ingress"), readHost("api.example.com", "shop")), true);
});

const services: readonly (readonly [host: string, service: string | undefined])[] = [
  ["reviews", "shop/reviews"],
  ["reviews.other", "other/reviews"],
  ["reviews.other.svc", "other/reviews"],
  ["reviews.other.svc.corp.example", "other/reviews"],
  ["reviews.other.svc.cluster.local", "other/reviews"],
  ["api.example.com", undefined],
  ["10.0.0.1", undefined],
  ["reviews.", undefined],
  ["*", undefined],
  ["*.shop.svc.cluster.local", undefined],
  ["", undefined],
];

for (const [host, expected] of services) {
  test(`in namespace shop ${host || "no host"} is ${expected ? `the Service ${expected}` : "no Service"}`, () => {
    const { service } = readHost(host, "shop");
    assert.equal(service && `${service.namespace}/${service.name}`, expected);
  });
}

const coverings: readonly (readonly [pattern: string, host: string, covers: boolean])[] = [
  ["reviews", "reviews.shop.svc.cluster.local", true],
  ["reviews", "ratings", false],
  ["*", "reviews", true],
  ["*", "api.example.com", true],
  ["*.shop.svc.cluster.local", "reviews", true],
  ["*.shop.svc.cluster.local", "reviews.shop.svc.corp", false],
  ["*.shop.svc.corp", "reviews.shop.svc.corp", true],
  ["*.other.svc.cluster.local", "reviews", false],
  ["*.example.com", "api.example.com", true],
  ["*.example.com", "reviews", false],
];

for (const [pattern, host, expected] of coverings) {
  test(`in namespace shop a rule for ${pattern} is ${expected ? "" : "not "}one for ${host}`, () =>
    assert.equal(covers(readHost(pattern, "shop"), readHost(host, "shop")), expected));
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
    assert.equal(writtenLike(readHost(model, at), readHost(text, own)), written));
}

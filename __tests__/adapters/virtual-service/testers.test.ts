import assert from "node:assert/strict";
import test from "node:test";
import { narrowedMatches } from "../../../src/adapters/gateway-route/narrowed-matches.ts";
import { narrowedMatch } from "../../../src/adapters/virtual-service/narrowed-match.ts";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import { selectRules } from "../../../src/adapters/weighted-rules/select-rules.ts";
import { testerNotices } from "../../../src/adapters/weighted-rules/tester-notices.ts";
import { cookieMatch } from "../../../src/adapters/weighted-rules/text-match.ts";
import { requestOf, type Testers } from "../../../src/release/testers.ts";
import { planOf, stageOf } from "../../support/world.ts";
import { targetOf, virtualService } from "./given.ts";

const canary: Testers = { headers: { "X-Canary": { exact: "yes" } } };
const header = { headers: { "x-canary": { exact: "yes" } } };
const jason = { headers: { "end-user": { exact: "jason" } } };
const unsaid = /asks for the .* itself, and no condition asks for both/;

/** What a rule asks, who testers are, and what both ask; or why that cannot be said. */
const table: readonly (readonly [match: unknown, testers: readonly Testers[], asked: unknown])[] = [
  [undefined, [canary], [header]],
  [[{}], [canary], [header]],
  [
    [{ uri: { prefix: "/a" } }, { name: "b", ...jason }],
    [canary],
    [
      { uri: { prefix: "/a" }, ...header },
      { name: "b", headers: { ...jason.headers, ...header.headers } },
    ],
  ],
  [
    [{ ...jason, withoutHeaders: { bot: {} } }],
    [{ headers: { "end-user": { prefix: "ja" } } }],
    [{ ...jason, withoutHeaders: { bot: {} } }],
  ],
  [
    [{ headers: { "end-user": {} } }],
    [{ headers: { "end-user": { regex: "j.*" } } }],
    [{ headers: { "end-user": { regex: "j.*" } } }],
  ],
  [[jason, {}], [{ headers: { "end-user": { exact: "mary" } } }], [{ headers: { "end-user": { exact: "mary" } } }]],
  [[jason], [{ headers: { "end-user": { exact: "mary" } } }], /none of the requests that it takes is a tester's/],
  [
    [{ headers: { "end-user": { prefix: "j" } } }],
    [{ headers: { "end-user": { prefix: "ja" } } }],
    [{ headers: { "end-user": { prefix: "ja" } } }],
  ],
  [[{ headers: { "end-user": { regex: "j.*" } } }], [{ headers: { "end-user": { prefix: "ja" } } }], unsaid],
  [
    [{ headers: { "end-user": { regex: "j.*" } } }],
    [{ headers: { "end-user": { exact: "jo" } } }],
    [{ headers: { "end-user": { exact: "jo" } } }],
  ],
  [[{ headers: { "end-user": { somethingNew: 1 } } }], [{ headers: { "end-user": { exact: "jo" } } }], unsaid],
  [[{ method: { exact: "GET" } }], [{ method: "POST" }], /none of the requests/],
  [[{ method: { regex: "GET|POST" } }], [{ method: "POST" }], [{ method: { exact: "POST" } }]],
  [
    [{ queryParams: { a: { exact: "1" } } }],
    [{ query: { canary: { prefix: "[x" } } }],
    [{ queryParams: { a: { exact: "1" }, canary: { regex: "\\[x.*" } } }],
  ],
  [
    [{ sourceLabels: { app: "frontend" } }],
    [{ callers: { version: "v2" } }],
    [{ sourceLabels: { app: "frontend", version: "v2" } }],
  ],
  [[{ sourceLabels: { app: "frontend" } }], [{ callers: { app: "other" } }], /none of the requests/],
  [[{ gateways: ["public"], uri: { prefix: "/" } }], [{ callers: { app: "frontend" } }], /does not look at the labels/],
];

for (const [match, testers, asked] of table)
  test(`a VirtualService's rule that asks ${JSON.stringify(match)}, for testers ${JSON.stringify(testers)}`, () => {
    const narrowed = narrowedMatch(match, testers);
    if (asked instanceof RegExp) assert.match("because" in narrowed ? narrowed.because : "it can be said", asked);
    else assert.deepEqual(narrowed, { match: asked });
  });

const path = { path: { type: "PathPrefix", value: "/" } };
const entry = (type: string, name: string, value: string) => ({ type, name, value });

for (const [kind, matches, testers, asked] of [
  ["HTTPRoute", undefined, [canary], [{ ...path, headers: [entry("Exact", "x-canary", "yes")] }]],
  [
    "HTTPRoute",
    [{ method: "GET", headers: [entry("Exact", "End-User", "jason")] }],
    [{ headers: { "end-user": { prefix: "ja" } }, query: { q: { exact: "1" } } }],
    [
      {
        ...path,
        method: "GET",
        headers: [entry("Exact", "end-user", "jason")],
        queryParams: [entry("Exact", "q", "1")],
      },
    ],
  ],
  ["HTTPRoute", [{ method: "GET" }], [{ method: "POST" }], /none of the requests/],
  ["HTTPRoute", undefined, [{ callers: { app: "frontend" } }], /cannot ask who calls/],
  ["GRPCRoute", undefined, [{ method: "POST" }], /neither a query nor a method/],
  [
    "GRPCRoute",
    [{ method: { service: "shop.Reviews" } }],
    [canary],
    [{ method: { service: "shop.Reviews" }, headers: [entry("Exact", "x-canary", "yes")] }],
  ],
] as const)
  test(`a rule of a ${kind} that asks ${JSON.stringify(matches)}, for testers ${JSON.stringify(testers)}`, () => {
    const narrowed = narrowedMatches(kind)(matches, testers);
    if (asked instanceof RegExp) assert.match("because" in narrowed ? narrowed.because : "it can be said", asked);
    else assert.deepEqual(narrowed, { match: asked });
  });

test("a cookie is one of many in a header, and no other's name or value ends or begins as its own", () => {
  const fits = (match: ReturnType<typeof cookieMatch>, text: string): boolean =>
    "regex" in match && new RegExp(`^(?:${match.regex})$`).test(text);
  const exact = cookieMatch("canary", { exact: "a.b" });
  for (const text of ["canary=a.b", "x=1; canary=a.b", "canary=a.b; y=2", "x=1;canary=a.b;y=2"])
    assert.ok(fits(exact, text), text);
  for (const text of ["mycanary=a.b", "canary=a.bc", "canary=aXb", "x=canary=a.b"]) assert.ok(!fits(exact, text), text);
  assert.ok(fits(cookieMatch("canary", { prefix: "a" }), "canary=abc; z=1"));
  assert.ok(!fits(cookieMatch("canary", { regex: "a|b" }), "canary=c; x=b"));
});

test("a program that tests is given a request that is let in, as far as one can be written down", () => {
  assert.deepEqual(
    requestOf([{ headers: { a: { regex: "x+" } } }, { cookies: { c: { prefix: "b" } }, method: "POST" }]),
    {
      method: "POST",
      headers: [["cookie", "c=b"]],
      query: [],
    },
  );
  assert.deepEqual(requestOf([{ query: { q: { exact: "1" } }, headers: { a: { exact: "1" } } }]), {
    headers: [["a", "1"]],
    query: [["q", "1"]],
  });
  assert.equal(requestOf([{ callers: { app: "frontend" } }]), undefined);
});

const target = targetOf({ stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } });
const [choice = assert.fail()] = target.routes;
const route = [{ destination: { host: "app", subset: "v1" } }];
const elsewhere = [{ destination: { host: "other" } }];

function told(...http: readonly object[]): readonly string[] {
  const object = virtualService({ hosts: ["app"], http: [...http] });
  const chosen = { choice, object, ...selectRules(shape, object, choice, target) };
  return testerNotices(shape, chosen, { testers: [canary] }, "VS").map(({ level, what }) => `${level} ${what}`);
}

test("preflight says by what rule testers are let in, and what takes them before it", () => {
  const let_in = /^note VS: with the first write testers get the canary by a route before route #\d/;
  const [note = "", ...more] = told({ route });
  assert.match(note, let_in);
  assert.deepEqual(more, []);
  for (const [above, isShadow] of [
    [{ match: [header], route: elsewhere }, true],
    [{ match: [{ uri: { prefix: "/api" } }], route: elsewhere }, true],
    [{ match: [{ uri: { prefix: "/api/v2" } }], route: elsewhere }, false],
    [{ match: [{ headers: { "x-canary": { exact: "no" } } }], route: elsewhere }, false],
  ] as const) {
    const words = told(above, { match: [{ uri: { prefix: "/api" } }], route });
    assert.equal(
      words[0]?.startsWith("warn VS: route #1: its testers meet route #0 before it"),
      isShadow,
      words.join(),
    );
  }
});

test("a kind of route that has no faults refuses a drill", () => {
  const { fault: _, ...faultless } = shape;
  const object = virtualService({ hosts: ["app"], http: [{ route }] });
  const chosen = { choice, object, ...selectRules(shape, object, choice, target) };
  const plan = planOf({ stages: [stageOf(5, { drill: { abort: 503 } })], testers: [canary] });
  assert.match(testerNotices(faultless, chosen, plan, "VS")[0]?.what ?? "", /have no faults/);
  assert.ok(testerNotices(shape, chosen, plan, "VS").every(({ level }) => level === "note"));
});

test("a rule that is called as ours before a release begins, and one that cannot be narrowed, are refused", () => {
  assert.match(
    told({ name: "istio-canary-testers", match: [header], route: elsewhere }, { route })[0] ?? "",
    /^refuse .* is called as/,
  );
  assert.match(
    told({ match: [{ headers: { "x-canary": { regex: "y.s|n" } } }, jason], route })[0] ?? "",
    /^note/,
    "what the testers send fits it",
  );
  assert.match(
    told({ match: [{ headers: { "x-canary": { exact: "no" } } }], route })[0] ?? "",
    /^refuse .*cannot let testers in/,
  );
});

import assert from "node:assert/strict";
import test from "node:test";
import { chanceOf } from "../../simulator/chance.ts";
import { imageOf, plainScenario, type Scenario } from "../../simulator/scenario.ts";
import type { Meddle } from "../../simulator/scene.ts";
import { type Result, simulate } from "../../simulator/simulation.ts";
import { fates } from "../../simulator/weather.ts";
import type { HttpRequest } from "../../src/world/transport.ts";

/*
 * Answers that are none: to each kind of call that releases make, once, each kind of answer. Left out is 422, which is a
 * "no" of the API server itself, and stays one.
 */
const acts = [
  "answered 401",
  "answered 403",
  "answered 409",
  "answered 429",
  "answered 500",
  "answered 503",
  "answered 504 after it was applied",
  "answered without JSON",
  "request lost",
  "answer lost",
] as const;

const stages = [
  { weight: 20, wait: 10_000, approval: true },
  { weight: 50, wait: 10_000, approval: false },
];
const scenarios: Readonly<Record<string, Scenario>> = {
  "a swap that somebody promotes": { ...plainScenario, stages },
  "an update with a copy": { ...plainScenario, shape: "clone-update" },
  "a bad version": { ...plainScenario, shape: "clone-swap", image: imageOf("v2-err60") },
};

/** `PATCH virtualservices/* dryRun=All`: what a call is about, whatever the names. */
function callOf({ method, url }: HttpRequest): string {
  const path = url.pathname.replace(/^\/apis?\/(v1|[^/]+\/[^/]+)\//, "").replace(/^namespaces\/[^/]+\//, "");
  const [plural, name, ...below] = path.split("/");
  const dryRun = url.searchParams.get("dryRun");
  return [method, [plural, ...(name === undefined ? [] : ["*"]), ...below].join("/"), dryRun ?? ""].join(" ");
}

/** The nth call of each kind gets it. */
function once(act: (typeof acts)[number], nth: number): Meddle & { readonly calls: ReadonlyMap<string, number> } {
  const calls = new Map<string, number>();
  const meddle: Meddle = (link, request) => {
    if (link !== "kubernetes") return {};
    const call = callOf(request);
    calls.set(call, (calls.get(call) ?? 0) + 1);
    return calls.get(call) === nth ? fates[act](chanceOf("answers")) : {};
  };
  return Object.assign(meddle, { calls });
}

const endOf = ({ story, violations }: Result): readonly unknown[] => [
  story.findLast((line) => line.includes("requests go to"))?.replace(/^.*requests go to /, ""),
  ...story.flatMap((line) => /\w+ ends with \d.*$/.exec(line)?.[0] ?? []),
  ...violations.map(({ invariant, text }) => `${invariant}: ${text}`),
];

for (const [what, scenario] of Object.entries(scenarios)) {
  test(`one answer that is none, to each kind of call, changes nothing of how a release ends: ${what}`, async () => {
    const usual = endOf(await simulate(scenario));
    const other: unknown[] = [];
    for (const act of acts)
      for (const nth of [1, 3]) {
        const meddle = once(act, nth);
        const end = endOf(await simulate(scenario, meddle));
        assert.ok(meddle.calls.size > 15, "kinds of calls");
        if (JSON.stringify(end) !== JSON.stringify(usual)) other.push([act, nth, ...end]);
      }
    assert.deepEqual(other, []);
  });
}

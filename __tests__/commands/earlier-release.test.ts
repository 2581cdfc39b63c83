import assert from "node:assert/strict";
import test from "node:test";
import { virtualServiceShape } from "../../src/adapters/virtual-service/virtual-service-shape.ts";
import { selectRules } from "../../src/adapters/weighted-rules/select-rules.ts";
import { inspectEarlier } from "../../src/commands/earlier-release.ts";
import { DeniedError, RefusedError, UnreachableError } from "../../src/lib/errors.ts";
import type { Finding } from "../../src/ports/preflight.ts";
import type { State } from "../../src/release/state.ts";
import { jumpingClock } from "../support/clock.ts";
import { createWorld, planOf } from "../support/world.ts";

const clock = jumpingClock();
const begun = await createWorld(planOf()).begin();
const now = clock.now();

const journaled = (load: () => Promise<typeof begun | undefined>, found: readonly Finding[] = []) =>
  inspectEarlier({ journal: { load }, clock }, found);

test("plan refuses beside a release that waits for somebody, as release does", async () => {
  const reason = { kind: "stage-passed", stage: "10%" } as const;
  const state: State = { phase: "waiting", stage: 0, since: now - 60_000, reason };
  const [finding, ...more] = await journaled(async () => ({ ...begun, state }));
  assert.deepEqual(more, []);
  assert.equal(finding?.level, "refuse");
  assert.match(finding.what, /the release of registry\.test\/reviews:v2 has been waiting for a decision for 1m\.$/);
  assert.match(finding.next ?? "", /istio-canary promote .*istio-canary rollback/);
});

test("plan tells of a release that has not ended, and of none that is over or never was", async () => {
  const [finding] = await journaled(async () => begun);
  assert.equal(finding?.level, "warn");
  assert.match(finding.what, /^shop\/reviews: the release of registry\.test\/reviews:v2 has not ended: /);
  assert.match(finding.next ?? "", /^Wait for it\. .*istio-canary status .*istio-canary rollback /);
  const other: Finding = { level: "refuse", what: "something else is wrong" };
  const beside = await journaled(async () => begun, [other]);
  assert.deepEqual([beside[0]?.level, beside.slice(1)], ["warn", [other]]);
  const state: State = { phase: "rolled-back", reason: { kind: "left-half-way" } };
  const over = { ...begun, state };
  assert.deepEqual(await journaled(async () => over), []);
  assert.deepEqual(await journaled(async () => undefined), []);
});

/** What is found beside the weights of 30% that a release has moved. */
function besideThirty(state: State, { isJournaled = true } = {}): Promise<readonly Finding[]> {
  const destinations = [
    { destination: { host: "reviews", subset: "v1" }, weight: 70 },
    { destination: { host: "reviews", subset: "v2" }, weight: 30 },
  ];
  const metadata = { name: "reviews", namespace: "shop" };
  const object = { apiVersion: "x/v1", kind: "VirtualService", metadata, spec: { http: [{ route: destinations }] } };
  const version = (subset: string) => ({ deployment: `reviews-${subset}`, host: "reviews", subset });
  const pair = { namespace: "shop", stable: version("v1"), canary: version("v2") };
  const { problems } = selectRules(
    virtualServiceShape,
    object,
    { kind: "VirtualService", ...metadata, routes: [] },
    pair,
  );
  return journaled(async () => (isJournaled ? { ...begun, state } : undefined), problems);
}

test("weights that a release has moved which has not ended are not to be given back by hand", async () => {
  const running = await besideThirty({ phase: "baking", stage: 0, since: now, putBacks: 0 });
  assert.equal(running.length, 1, JSON.stringify(running));
  assert.equal(running[0]?.level, "refuse");
  assert.match(running[0].what, /^shop\/reviews: the release of .* has not ended/);
  const waiting = await besideThirty({
    phase: "waiting",
    stage: 0,
    since: now,
    reason: { kind: "stage-passed", stage: "30%" },
  });
  assert.equal(waiting.length, 1, JSON.stringify(waiting));
  assert.match(waiting[0]?.what ?? "", /has been waiting for a decision/);

  const over: State = { phase: "rolled-back", reason: { kind: "left-half-way" } };
  for (const left of [await besideThirty(over), await besideThirty(over, { isJournaled: false })]) {
    assert.equal(left.length, 1);
    assert.match(left[0]?.what ?? "", /sends 30% of its requests to the canary already/);
  }
});

test("a journal that release would refuse is refused; one that may not be read is told among the permissions", async () => {
  const broken = await journaled(() => Promise.reject(new RefusedError("the journal is damaged", { next: "Look." })));
  assert.deepEqual(broken, [{ level: "refuse", what: "the journal is damaged", next: "Look." }]);
  assert.deepEqual(await journaled(() => Promise.reject(new DeniedError("forbidden"))), []);
  await assert.rejects(
    journaled(() => Promise.reject(new UnreachableError("no answer"))),
    UnreachableError,
  );
});

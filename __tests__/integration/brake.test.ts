import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import { deploymentOf, find, journalOf, routeOf } from "./facts.ts";
import { assertAsBefore, assertServedBy, type Scene, scene } from "./scene.ts";

const by = (command: string) => ({ namespace: "shop", service: "reviews", command });
const quick = { ...releaseOfOne("v2"), stages: "50:60s, 100", gates: "- restarts: {}" };

/** Holds the first request of its kind that the job makes while it writes the first weight. */
function holdFirst({ sandbox }: Scene, request: { readonly method: string; readonly path: string }) {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let held = false;
  async function hold(): Promise<void> {
    const state = journalOf(sandbox)?.state;
    if (held || state?.phase !== "shifting" || state.step !== "routing") return;
    held = true;
    arrived.resolve();
    await released.promise;
  }
  sandbox.api.fail({ ...request, times: Infinity, hold });
  return { arrived: arrived.promise, release: released.resolve };
}

/** The emergency brake, pulled while the job is at work. */
describe("the brake", { concurrency: 3 }, () => {
  for (const [what, request] of [
    ["a weight that is on its way", { method: "PATCH", path: "virtualservices/reviews" }],
    ["a job between reading and writing", { method: "GET", path: "configmaps/istio-canary-reviews" }],
  ] as const)
    test(`${what} while somebody rolls back changes nothing afterwards`, async (t) => {
      const world = await scene(t, { shop: "one" });
      const { sandbox, start, run, runUrl } = world;
      const held = holdFirst(world, request);
      const job = start(quick, { runId: "4711" });
      await held.arrived;
      const hand = await run(by("rollback"), { runId: "4712" });
      assert.equal(hand.exit, 0, hand.said);
      assert.equal(journalOf(sandbox)?.state.phase, "rolled-back");

      held.release();
      const stopped = await job.ended;
      assert.equal(stopped.exit, 3, stopped.said);
      assert.ok(stopped.said.includes(runUrl("4712")), stopped.said);
      assert.equal(routeOf(sandbox), "stable");
      await assertAsBefore(world);
    });
});

/** Somebody divides the requests by hand, whatever the route is. */
function divide({ api }: Sandbox, weights: readonly number[]): void {
  const kind = kindNamed("virtualservices");
  const object = api.store.get(kind, "shop", "reviews") ?? assert.fail();
  const { http } = object.spec as { readonly http: readonly { readonly route: readonly object[] }[] };
  const rules = http.map((rule) => ({ ...rule, route: rule.route.map((to, at) => ({ ...to, weight: weights[at] })) }));
  api.store.put(kind, { ...object, spec: { ...(object.spec as object), http: rules } });
}

/** What is told at the end is read at the end. */
describe("after a rollback", { concurrency: 3 }, () => {
  test("requests that go astray after a rollback are told by `status`, and put right by `rollback`", async (t) => {
    const world = await scene(t, { shop: "two" });
    const { sandbox, run, traffic } = world;
    const ended = await run({ ...releaseOfTwo("v2-crash"), stages: "50:60s, 100", gates: "- restarts: {}" });
    assert.equal(ended.exit, 1, ended.said);
    const route = routeOf(sandbox);
    divide(sandbox, [70, 30]);

    const status = await run(by("status"));
    assert.equal(status.exit, 3, status.said);
    assert.match(status.said, /not as it should be: VirtualService shop\/reviews route .*70.*30 instead of /);
    const hand = await run(by("rollback"));
    assert.deepEqual([hand.exit, hand.outputs.settled], [0, "true"], hand.said);
    assert.equal(routeOf(sandbox), route);
    await assertServedBy(sandbox, traffic, "v1");
  });

  test("a VirtualService that is deleted in the drain makes the action unsettled, by the word of both steps", async (t) => {
    const { sandbox, startAction } = await scene(t, { shop: "two", rate: 0 });
    async function hold(): Promise<void> {
      const state = journalOf(sandbox)?.state;
      if (state?.phase !== "promoting" || !["draining", "retiring"].includes(state.step)) return;
      const route = find(sandbox, "virtualservices", "reviews");
      if (route) sandbox.api.store.remove(kindNamed("virtualservices"), route);
    }
    sandbox.api.fail({ path: /deployments|virtualservices/, times: Infinity, hold });
    const action = startAction({ ...releaseOfTwo("v2"), stages: "50:300ms, 100", gates: "- restarts: {}" });
    const { steps, outputs } = await action.done;
    assert.deepEqual([steps[0]?.exit, steps[1]?.exit, outputs.settled], [3, 3, "false"], steps[1]?.log);
    assert.match(steps[1]?.log ?? "", /VirtualService shop\/reviews is gone/);
    assert.ok(deploymentOf(sandbox, "reviews-v2"));
  });
});

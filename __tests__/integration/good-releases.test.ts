import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { imageOf, releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import { deploymentOf, find, holderOf, journalOf, objectsOf, routeOf } from "./facts.ts";
import { assertServedBy, pull, scene } from "./scene.ts";

const stages = "20:700ms, 50:700ms, 100";
const gates = "- errors: { atMost: 5%, minRequests: 5 }\n- restarts: {}";

/** Long enough to do harm, were traffic sent before. */
const becomesReady = 700;

describe("good releases", { concurrency: 3 }, () => {
  test("a release by a copy ends with the new image in the old Deployment, everything else as it was, and no bad answer", async (t) => {
    const { sandbox, traffic, before, run } = await scene(t, { shop: "one", becomesReady });
    const { exit, outputs, summary, report, said } = await run({ ...releaseOfOne("v2"), stages, gates });
    assert.equal(exit, 0, said);

    const { bad, byVersion } = traffic.counts();
    assert.equal(bad, 0);
    assert.deepEqual(Object.keys(byVersion).sort(), ["v1", "v2"]);
    const { "Deployment reviews": old, ...others } = before;
    assert.deepEqual(objectsOf(sandbox), {
      ...others,
      "Deployment reviews": old?.replace(imageOf("v1"), imageOf("v2")),
    });
    assert.equal(deploymentOf(sandbox, "reviews-canary"), undefined);
    assert.equal(holderOf(sandbox), undefined);
    assert.equal(journalOf(sandbox)?.state.phase, "succeeded");
    await assertServedBy(sandbox, traffic, "v2");

    const { outcome, phase, stage, weight, settled } = outputs;
    assert.deepEqual(
      { outcome, phase, stage, weight, settled },
      { outcome: "succeeded", phase: "succeeded", stage: "3", weight: "0", settled: "true" },
    );
    assert.ok(
      outputs["comment-url"] !== undefined &&
        sandbox.github.comments(pull.number).some(({ url }) => url === outputs["comment-url"]),
    );
    assert.match(summary, /released in /);
    assert.equal(
      (report as { readonly account: { readonly state: { readonly phase: string } } }).account.state.phase,
      "succeeded",
    );
  });

  test("a release is judged by a Prometheus that only the API server reaches, and so is its rehearsal", async (t) => {
    const { run, type } = await scene(t, { shop: "one" });
    const prometheus = "service://istio-system/prometheus:9090";
    const released = await run({ ...releaseOfOne("v2"), stages, gates, prometheus });
    assert.equal(released.exit, 0, released.said);
    const service = "--namespace shop --service reviews --stable-deployment reviews --canary-deployment reviews-canary";
    const rehearsed = await type(
      `istio-canary rehearse ${service} --stages 20:1m,100 --rehearse-runs 100 --prometheus ${prometheus}`,
    );
    assert.equal(rehearsed.exit, 0, rehearsed.said);
    assert.match(rehearsed.said, /requests/);
  });

  test("a release is judged by the proxies themselves, with no Prometheus at all: a good one ends, a bad one goes back", async (t) => {
    const { sandbox, traffic, run } = await scene(t, { shop: "one" });
    const counted = { stages, prometheus: "", "metrics-source": "proxies" };
    const good = await run({ ...releaseOfOne("v2"), ...counted });
    assert.equal(good.exit, 0, good.said);
    assert.match(good.said, /The proxies of callers in the mesh are not read/);
    assert.match(good.said, /evidence: none of the canary's requests failed \(0 of \d+\)/);
    const bad = await run({ ...releaseOfOne("v3-err50"), ...counted, stages: "20:20s, 100" });
    assert.equal(bad.exit, 1, bad.said);
    assert.equal(bad.outputs.outcome, "rolled-back");
    assert.match(bad.outputs.because ?? "", /\d+ of \d+/);
    assert.equal(routeOf(sandbox), "stable");
    await assertServedBy(sandbox, traffic, "v2");

    await traffic.lap();
    const mirror = JSON.stringify([{ weight: 0, mirror: 50, wait: "20s" }, "100"]);
    const copied = await run({ ...releaseOfOne("v4-err50"), ...counted, stages: mirror });
    assert.equal(copied.outputs.outcome, "rolled-back", copied.said);
    assert.match(copied.outputs.because ?? "", /[1-9]\d* of \d+/);
    assert.match(copied.said, /every mirrored POST is done twice/);
    const { requests, bad: hurt, byVersion } = await traffic.lap();
    assert.deepEqual({ hurt, byVersion }, { hurt: 0, byVersion: { v2: requests } });
    const comment = sandbox.github.comments(7).at(-1)?.body ?? "";
    assert.match(
      comment,
      /\*\*No user got an answer of the canary\*\*: \d+ copies of requests failed, which no user saw/,
    );
    assert.match(comment, /rolled back at copies of 50% \(stage 1 of 2\), all users are on v2:/);
  });

  test("a release that swaps ends with all traffic on the new version and the old one at rest, and the next one goes the other way round", async (t) => {
    const { sandbox, traffic, run } = await scene(t, { shop: "two", becomesReady });
    const first = await run({ ...releaseOfTwo("v2"), stages, gates });
    assert.equal(first.exit, 0, first.said);
    assert.equal(routeOf(sandbox), "v1 0, v2 100");
    assert.deepEqual(
      [deploymentOf(sandbox, "reviews-v1"), deploymentOf(sandbox, "reviews-v2")],
      [
        { replicas: 0, image: imageOf("v1") },
        { replicas: 2, image: imageOf("v2") },
      ],
    );
    assert.equal(traffic.counts().bad, 0);
    await assertServedBy(sandbox, traffic, "v2");

    const second = await run({ ...releaseOfTwo("v3"), stages: "50:300ms, 100", gates });
    assert.equal(second.exit, 0, second.said);
    assert.equal(routeOf(sandbox), "v1 100, v2 0");
    assert.deepEqual(
      [deploymentOf(sandbox, "reviews-v1"), deploymentOf(sandbox, "reviews-v2")],
      [
        { replicas: 2, image: imageOf("v3") },
        { replicas: 0, image: imageOf("v2") },
      ],
    );
    assert.equal((await traffic.lap()).bad, 0);
    await assertServedBy(sandbox, traffic, "v3");
  });

  test("a subset that is missing is there while the release needs it, and no longer", async (t) => {
    const { sandbox, start } = await scene(t, { shop: "one" });
    const rules: string[] = [];
    sandbox.api.store.subscribe(({ type, object }) => {
      if (object.kind === "DestinationRule") rules.push(`${type} ${object.metadata.name}`);
    });
    assert.equal((await start({ ...releaseOfOne("v2"), stages: "100", gates: "- restarts: {}" }).ended).exit, 0);
    assert.deepEqual(rules, ["added istio-canary-reviews", "removed istio-canary-reviews"]);
    assert.equal(find(sandbox, "destinationrules", "istio-canary-reviews"), undefined);
  });
});

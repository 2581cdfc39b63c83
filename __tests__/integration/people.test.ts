import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hostIn, imageOf, releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import type { StatusAnswer } from "../../src/words/status-answer.ts";
import { until } from "../support/cluster.ts";
import { deploymentOf, holderOf, journalOf, objectsOf, reached, routeOf, writesOf } from "./facts.ts";
import type { Ended } from "./program.ts";
import { assertAsBefore, assertServedBy, pull, type Scene, scene } from "./scene.ts";

const gates = "- errors: { atMost: 5%, minRequests: 5 }";
const withApproval = "- { weight: 50, wait: 300ms, approval: true }\n- 100";
const service = { namespace: "shop", service: "reviews" };

/** What somebody on call writes by hand: the service and the command, nothing else. */
const by = (command: string) => ({ ...service, command });

async function waiting({ sandbox, run }: Scene): Promise<Ended> {
  const first = await run({ ...releaseOfOne("v2"), stages: withApproval, gates });
  assert.equal(first.exit, 0, first.said);
  assert.deepEqual(
    [first.outputs.outcome, first.outputs.phase, first.outputs.weight, first.outputs.settled],
    ["waiting", "waiting", "50", "true"],
  );
  assert.equal(routeOf(sandbox), "stable 50, canary 50");
  assert.equal(holderOf(sandbox), undefined);
  return first;
}

describe("people beside a release", { concurrency: 3 }, () => {
  test("a release waits for approval after its job has ended, refuses another one, and is finished by `promote` in a job of its own", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, traffic, run } = world;
    await waiting(world);

    const other = await run({ ...releaseOfOne("v3"), stages: "100", gates });
    assert.equal(other.exit, 2, other.said);
    assert.match(
      other.said,
      /the release of registry\.example\/reviews:v2 .*has been waiting for a decision for .*promote.*rollback/,
    );
    assert.equal(routeOf(sandbox), "stable 50, canary 50");

    const second = await run(by("promote"));
    assert.equal(second.exit, 0, second.said);
    assert.equal(second.outputs.outcome, "succeeded");
    assert.equal(deploymentOf(sandbox, "reviews")?.image, imageOf("v2"));
    assert.equal(traffic.counts().bad, 0);
    assert.equal(sandbox.github.comments(pull.number).length, 1);
    await assertServedBy(sandbox, traffic, "v2");

    const third = await run(by("promote"));
    assert.equal(third.exit, 2, third.said);
    assert.match(third.said, /no release waits for somebody to decide; the last one is succeeded/);
  });

  test("a journal that somebody edited gives no Deployment another image, and takes no job to another namespace", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, traffic, run } = world;
    await waiting(world);
    const evil = "registry.example/evil:v9";
    const edit = (change: (journal: NonNullable<ReturnType<typeof journalOf>>) => object): void => {
      const text = JSON.stringify(change(journalOf(sandbox) ?? assert.fail()));
      const metadata = { name: "istio-canary-reviews", namespace: "shop" };
      sandbox.api.apply([{ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "release.json": text } }]);
    };
    const original = journalOf(sandbox) ?? assert.fail();
    edit((journal) => ({ ...journal, target: { ...journal.target, namespace: "payments" } }));
    for (const command of ["promote", "rollback", "status"]) {
      const { exit, said } = await run(by(command));
      assert.ok(exit === 2 || exit === 3, said);
      assert.match(said, /target\.namespace: payments, and not shop.*kubectl -n shop edit virtualservices/);
    }
    assert.equal(routeOf(sandbox), "stable 50, canary 50");

    edit(() => ({
      ...original,
      plan: { ...original.plan, drift: "put-back" },
      target: { ...original.target, image: evil },
      judged: { image: evil, digests: {} },
    }));
    const second = await run(by("promote"));
    assert.equal(second.exit, 1, second.said);
    assert.match(second.said, /has the image registry\.example\/reviews:v2, not registry\.example\/evil:v9/);
    assert.deepEqual(
      sandbox.api.requests.all().filter(({ path, body }) => path.includes("/deployments") && body.includes("evil")),
      [],
    );
    assert.equal(deploymentOf(sandbox, "reviews")?.image, imageOf("v1"));
    await assertServedBy(sandbox, traffic, "v1");
  });

  test("a release that its evidence leaves undecided is held and red, the action leaves it alone, and somebody ends it or goes on with it", async (t) => {
    const world = await scene(t, { shop: "one", rate: 4 });
    const { sandbox, startAction, run } = world;
    const short = "- { weight: 20, wait: 1s, deadline: 2s }\n- { weight: 50, wait: 1s, deadline: 2s }";
    const { steps, outputs } = await startAction({ ...releaseOfOne("v2"), stages: short, evidence: "noData: hold" })
      .done;
    assert.deepEqual(
      steps.map(({ conclusion }) => conclusion),
      ["failure", "skipped"],
    );
    assert.deepEqual(
      [steps[0]?.exit, outputs.outcome, outputs.settled, outputs.weight],
      [3, "waiting", "true", "20"],
      steps[0]?.log,
    );
    assert.match(outputs.because ?? "", /^stage 20% is held for somebody to decide: /);
    assert.equal(routeOf(sandbox), "stable 80, canary 20");
    const [comment] = sandbox.github.comments(pull.number);
    assert.match(comment?.body ?? "", /✋ shop\/reviews v1 → v2 held at 20% \(stage 1 of 2\) until somebody decides: /);

    const before = journalOf(sandbox)?.ledger.polls ?? [];
    assert.ok(before.length > 0);
    const second = await run(by("promote"));
    assert.equal(second.exit, 3, second.said);
    assert.match(second.outputs.because ?? "", /^stage 50% is held for somebody to decide: /);
    assert.deepEqual(journalOf(sandbox)?.ledger.polls.slice(0, before.length), before); // it went on from what was proven

    const third = await run(by("rollback"));
    assert.equal(third.exit, 0, third.said);
    await assertAsBefore(world);
  });

  test("a stable that does not take the new image leaves all traffic on the canary, and `promote` finishes when it can", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, traffic, start, run } = world;
    const job = start({ ...releaseOfOne("v2"), stages: "50:1s, 100", gates, "ready-deadline": "2s" });
    await until(
      "all traffic is on the canary",
      () => routeOf(sandbox),
      (route) => route === "stable 0, canary 100",
    );
    sandbox.api.setQuota({ pods: 1 }); // from now on no pod can be added
    const { exit, said, outputs } = await job.ended;
    assert.equal(exit, 3, said);
    assert.deepEqual([outputs.outcome, outputs.settled, outputs.weight], ["failed", "false", "100"]);
    assert.match(outputs.because ?? "", /All traffic stays on the canary, which passed every stage/);
    assert.equal(routeOf(sandbox), "stable 0, canary 100");
    await assertServedBy(sandbox, traffic, "v2");

    sandbox.api.setQuota(undefined);
    const second = await run(by("promote"));
    assert.equal(second.exit, 0, second.said);
    assert.deepEqual([second.outputs.outcome, second.outputs.settled], ["succeeded", "true"]);
    assert.deepEqual(deploymentOf(sandbox, "reviews"), { image: imageOf("v2"), replicas: 2 });
    assert.equal(deploymentOf(sandbox, "reviews-canary"), undefined);
    assert.equal(traffic.counts().bad, 0);
    await assertServedBy(sandbox, traffic, "v2");
  });

  test("a release that waits for approval is ended by `rollback`, which is harmless to repeat", async (t) => {
    const world = await scene(t, { shop: "one" });
    await waiting(world);
    const { exit, said, outputs } = await world.run(by("rollback"));
    assert.equal(exit, 0, said);
    assert.deepEqual([outputs.outcome, outputs.settled], ["rolled-back", "true"]);
    await assertAsBefore(world);
    const again = await world.run(by("rollback"));
    assert.equal(again.exit, 2, again.said);
    assert.match(
      again.said,
      /nothing was rolled back; the last release was rolled back at .* reviews serves everything/,
    );
    const mistyped = await world.run({ ...by("rollback"), service: "reviewz" });
    assert.equal(mistyped.exit, 2, mistyped.said);
    assert.match(mistyped.said, /There is no Service reviewz in shop \(found: .*reviews.*\)\. Nothing was rolled back/);
  });

  test("a rollback by hand takes the release from the job that runs it, and that one stops and says so", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, start, run } = world;
    const job = start({ ...releaseOfOne("v2"), stages: "50:60s, 100", gates }, { runId: "4711" });
    await reached(sandbox, "baking", job.ended);
    const hand = await run(by("rollback"), { runId: "4712" });
    assert.equal(hand.exit, 0, hand.said);
    const state = journalOf(sandbox)?.state;
    assert.ok(state?.phase === "rolled-back");
    assert.deepEqual(state.reason, { kind: "rollback-wanted", actor: "octocat" });

    const stopped = await job.ended;
    assert.equal(stopped.exit, 3, stopped.said);
    assert.match(
      stopped.said,
      new RegExp(
        `(changed by another job \\(${world.runUrl("4712")}\\)|another job.*took over).* Requests went so then: `,
      ),
    );
    assert.notEqual(stopped.outputs.settled, "true");
    await assertAsBefore(world);

    const settle = await run({ ...releaseOfOne("v2"), command: "settle", stages: "100" }, { runId: "4711" });
    assert.equal(settle.exit, 0, settle.said);
    assert.match(settle.said, /Nothing of this job is left half-way/);
  });

  test("a second release of the same service is refused, is told whose the first one is, and does not disturb it", async (t) => {
    const { sandbox, start, run, runUrl } = await scene(t, { shop: "one" });
    const first = start({ ...releaseOfOne("v2"), stages: "50:60s, 100", gates }, { runId: "4711" });
    await reached(sandbox, "baking", first.ended);
    const journal = journalOf(sandbox);

    const second = await run({ ...releaseOfOne("v3"), stages: "100", gates }, { runId: "4712" });
    assert.equal(second.exit, 2, second.said);
    assert.match(
      second.said,
      new RegExp(`shop/reviews: another job \\(${runUrl("4711")}.*\\) has been releasing it for `),
    );
    assert.deepEqual([second.outputs.outcome, second.outputs.settled], ["failed", undefined]);
    assert.deepEqual(journalOf(sandbox), journal);
    assert.equal(routeOf(sandbox), "stable 50, canary 50");
    first.signal("SIGINT");
    assert.equal((await first.ended).exit, 1);
  });

  test("`verify` does not contradict a stage that has just begun, though its window has the weight before, and compares it later", async (t) => {
    const { sandbox, start, run } = await scene(t, { shop: "two", rate: 40 });
    const first = await run({ ...releaseOfTwo("v2"), stages: "100", gates: "- restarts: {}" });
    assert.equal(first.exit, 0, first.said);
    await sleep(2_000); // v2 alone is served and counted for a while
    const inputs = { ...releaseOfTwo("v3"), stages: "20:60s, 100", gates: "- restarts: {}" };
    const job = start(inputs);
    await reached(sandbox, "baking", job.ended);
    const verify = (interval: string) => run({ ...inputs, command: "verify", "metrics-interval": interval });
    const early = await verify("20s"); // a stage of 60s is young throughout
    assert.deepEqual([early.exit, /contradicts/.test(early.said)], [0, false], early.said);
    assert.match(early.said, /ask again in/);
    await until(
      "the count agrees with the stage's weight",
      () => verify("400ms"),
      ({ said }) =>
        /^reviews-v1 got \d+ of \d+ requests[\s\S]*Planned: 20%, written .* ago; the count agrees/m.test(said),
    );
    job.signal("SIGINT");
    assert.equal((await job.ended).exit, 1);
  });

  test("`plan`, `status` and `verify` change nothing, and their JSON is all there is on standard output", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { sandbox, before, run } = world;
    const release = {
      ...releaseOfOne("v2"),
      stages: "- { weight: 50, approval: true }\n- 100",
      gates: "- restarts: {}",
    };

    const plan = await run({ ...release, command: "plan", json: "true" });
    const { allowed } = JSON.parse(plan.stdout) as { readonly allowed: boolean };
    assert.deepEqual([plan.exit, allowed], [0, true], plan.said);
    assert.deepEqual(writesOf(sandbox), []);
    assert.deepEqual(objectsOf(sandbox), before);

    assert.equal((await run(release)).exit, 0);
    const written = writesOf(sandbox);
    const [status, verify] = await Promise.all([
      run({ ...by("status"), json: "true", stages: "50:2x" }),
      run({
        ...release,
        command: "verify",
        json: "true",
        "verify-url": sandbox.gateway.url,
        "verify-headers": `host=${hostIn("shop")}`,
      }),
    ]);
    assert.equal(status.exit, 0, status.said);
    assert.match(status.said, /warning.*50:2x/); // and still there is nothing but JSON on standard output
    const { phase, outcome, weight, drift, settled } = JSON.parse(status.stdout) as StatusAnswer & { phase: "waiting" };
    assert.deepEqual([phase, outcome, weight, drift, settled], ["waiting", "waiting", 50, null, true]);
    assert.equal(verify.exit, 0, verify.said);
    const counted = JSON.parse(verify.stdout) as {
      readonly stable: number;
      readonly canary: number;
      readonly neither: number;
      readonly planned: number;
    };
    assert.deepEqual([counted.stable + counted.canary, counted.neither, counted.planned], [100, 0, 50]);
    assert.deepEqual(writesOf(sandbox), written);
  });
});

import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import { objectsOf, routeOf, writesOf } from "./facts.ts";
import { pull, scene } from "./scene.ts";

const gates = "- errors: { atMost: 5%, minRequests: 5 }";

describe("refusals", { concurrency: 3 }, () => {
  test("a bad configuration is refused with all its problems, and the cluster is not even asked", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    const { exit, said, outputs } = await run({
      ...releaseOfOne("v2"),
      stages: "50:2x, 20:1s",
      promotion: "sideways",
      "canary-replicas": "many",
    });
    assert.equal(exit, 2, said);
    for (const problem of [/50:2x/, /sideways/, /many/]) assert.match(said, problem);
    assert.deepEqual([outputs.outcome, outputs.settled], ["failed", undefined]);
    assert.equal(sandbox.api.requests.count(), 0);
  });

  test("where a program reads standard output, nothing is refused there: the annotation goes to the other one", async (t) => {
    const { run } = await scene(t, { shop: "one", rate: 0 });
    const wrong = { ...releaseOfOne("v2"), command: "plan", json: "true", stages: "50:2x" };
    const { exit, said, stdout } = await run(wrong);
    assert.equal(exit, 2, said);
    assert.equal(stdout, "");
    assert.match(said, /^::error title=Istio Canary::.*50:2x/m);
  });

  test("a refusal is one although nothing can be written to the outputs", async (t) => {
    const { run } = await scene(t, { shop: "one", rate: 0 });
    const { exit, said } = await run(
      { ...releaseOfOne("v2"), promotion: "sideways" },
      { env: { GITHUB_OUTPUT: "/dev/full" } },
    );
    assert.equal(exit, 2, said);
    assert.match(said, /An output could not be written: ENOSPC/);
  });

  test("a release that cannot work is refused with every finding at once, and nothing is changed", async (t) => {
    const { sandbox, before, run } = await scene(t, { shop: "two", rate: 0 });
    const wrong = {
      "stable-deployment": "reviews-v9",
      "stable-subset": "v9",
      "canary-deployment": "reviews-v8",
      prometheus: "http://127.0.0.1:9",
    };
    const { exit, said, outputs } = await run({ ...releaseOfTwo("v2"), ...wrong, stages: "100:1s", gates });
    assert.equal(exit, 2, said);
    for (const problem of [
      /✗ .*Deployment shop\/reviews-v9/,
      /✗ .*Deployment shop\/reviews-v8/,
      /✗ .*subset v9/,
      /✗ .*127\.0\.0\.1:9/,
    ])
      assert.match(said, problem);
    assert.deepEqual([outputs.outcome, outputs.settled], ["failed", undefined]);
    assert.deepEqual(writesOf(sandbox), []);
    assert.deepEqual(objectsOf(sandbox), before);
    const [comment, ...others] = sandbox.github.comments(pull.number);
    assert.deepEqual(others, []);
    assert.match(
      comment?.body ?? "",
      /### ❌ shop\/reviews v2: release refused, and nothing was changed\n.*reviews-v9/s,
    );
  });

  test("a namespace that is not there is told by its name, whatever the command", async (t) => {
    const { sandbox, before, run } = await scene(t, { shop: "one", rate: 0 });
    const wanted = [/Namespace shopp does not exist/, /Correct .*the namespace, or the kubeconfig's context/];
    for (const command of ["plan", "release", "promote", "rollback", "undo"]) {
      const { exit, said } = await run({ ...releaseOfOne("v2"), namespace: "shopp", stages: "100", command });
      assert.equal(exit, 2, said);
      for (const words of wanted) assert.match(said, words);
    }
    const status = await run({ ...releaseOfOne("v2"), namespace: "shopp", stages: "100", command: "status" });
    assert.equal(status.exit, 2, status.said);
    for (const words of [/There is no Service reviews in shopp/, wanted[1] ?? assert.fail()])
      assert.match(status.said, words);
    assert.deepEqual(objectsOf(sandbox), before);
  });

  test("without a cluster it is said where one was looked for, and nobody says that all is as it should be", async (t) => {
    const { run } = await scene(t, { shop: "one", rate: 0 });
    for (const command of ["release", "settle"]) {
      const { exit, said, outputs } = await run(
        { ...releaseOfOne("v2"), command, stages: "100" },
        { env: { KUBECONFIG: "/nowhere/kubeconfig" } },
      );
      assert.equal(exit, 2, said);
      assert.match(said, /\/nowhere\/kubeconfig/);
      assert.deepEqual([outputs.outcome, outputs.settled], ["failed", undefined]);
    }
  });
});

const quick = { ...releaseOfOne("v2"), stages: "50:300ms, 100", gates: "- restarts: {}" };

/** Reports never fail, slow down or hold a release. */
describe("reports", { concurrency: 3 }, () => {
  test("a GitHub that is away does not concern the release", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    await sandbox.github.close();
    const { exit, said, outputs, summary } = await run(quick);
    assert.equal(exit, 0, said);
    assert.deepEqual([outputs.outcome, outputs.settled, outputs["comment-url"]], ["succeeded", "true", undefined]);
    assert.match(said, /warning.*connection refused/s);
    assert.match(summary, /✅ shop\/reviews/);
  });

  test("a token that may not comment is told once, and the summary has what the comment would have had", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    sandbox.github.fail({
      path: /comments/,
      status: 403,
      message: "Resource not accessible by integration",
      times: 100,
    });
    const { exit, said, summary } = await run(quick);
    assert.equal(exit, 0, said);
    assert.equal(said.match(/pull-requests: write/g)?.length, 1, said);
    assert.match(summary, /✅ shop\/reviews/);
  });

  test("the next release edits the comment of the last one and keeps its result", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    assert.equal((await run(quick)).exit, 0);
    assert.equal(routeOf(sandbox), "stable");
    assert.equal((await run({ ...quick, image: "registry.example/reviews:v3-pullfail" })).exit, 1);
    const [comment, ...more] = sandbox.github.comments(pull.number);
    assert.deepEqual(more, []);
    assert.ok((comment?.edits ?? 0) >= 1);
    assert.match(comment?.body ?? "", /### ❌ .*✅ .*released/s);
    assert.deepEqual(sandbox.github.violations, []);
  });
});

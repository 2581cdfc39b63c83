import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { dump } from "js-yaml";
import { releaseOfOne } from "../../sandbox/shop.ts";
import { journalOf, routeOf, writesOf } from "./facts.ts";
import type { Ended } from "./program.ts";
import { assertServedBy, scene } from "./scene.ts";

const stages = "- { weight: 50, wait: 300ms, approval: true }\n- { weight: 60, wait: 300ms }\n- 100";

/** Judged by requests, so that it needs a Prometheus. */
const gates = "- errors: { atMost: 5%, minRequests: 5 }";

/** The command that stands after these words. */
function printed({ said }: Ended, words: string): string {
  const [, command] = new RegExp(`${words}: (istio-canary .*)$`, "m").exec(said) ?? [];
  return command ?? assert.fail(said);
}

/** Commands that the program prints, typed as they stand. */
describe("commands as they are printed", { concurrency: 3 }, () => {
  test("the command that goes on with a release works as it is printed: the journal knows where requests are counted", async (t) => {
    const { sandbox, traffic, run, type } = await scene(t, { shop: "one", rate: 40 });
    const first = await run({ ...releaseOfOne("v2"), stages, gates });
    assert.equal(first.exit, 0, first.said);
    const command = printed(first, "To go on");
    assert.equal(command, "istio-canary promote --namespace shop --service reviews");
    const second = await type(command);
    assert.equal(second.exit, 0, second.said);
    assert.equal(traffic.counts().bad, 0);
    await assertServedBy(sandbox, traffic, "v2");
  });

  test("a bad version is found after the printed command as it would have been before", async (t) => {
    const { sandbox, run, type } = await scene(t, { shop: "one", rate: 40 });
    const blind =
      "- { weight: 10, approval: true, gates: [{ restarts: {} }] }\n- { weight: 50, wait: 60s, deadline: 60s }\n- 100";
    const first = await run({ ...releaseOfOne("v2-err60"), stages: blind, gates: "- auto" });
    assert.equal(journalOf(sandbox)?.state.phase, "waiting", first.said);
    const second = await type(printed(first, "To go on"));
    assert.equal(second.exit, 1, second.said);
    assert.match(second.said, /of the canary's requests failed/);
    assert.equal(routeOf(sandbox), "stable");
  });

  test("where a secret is needed the printed command names the file, and is refused before anything is written while the secret is not there", async (t) => {
    const { sandbox, type, writeFile } = await scene(t, { shop: "one", rate: 40 });
    const { namespace, service, image } = releaseOfOne("v2");
    const config = {
      namespace,
      service,
      image,
      stable: { deployment: "reviews", subset: "stable" },
      canary: { from: "clone", subset: "canary", labels: { track: "canary" } },
      stages: [{ weight: 50, wait: "300ms", approval: true }, { weight: 60, wait: "300ms" }, "100"],
      gates: [{ errors: { atMost: "5%", minRequests: 5 } }],
      metrics: {
        prometheus: sandbox.prometheus.url,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is filled in from the environment
        headers: { Authorization: "Bearer ${PROM_TOKEN}" },
        interval: "400ms",
      },
      promotion: { model: "update", drain: "100ms" },
      meshDelay: "100ms",
    };
    writeFile("shop.yaml", dump(config));
    const env = { PROM_TOKEN: "S3CRET" };
    const first = await type("istio-canary release --config shop.yaml", { env });
    assert.equal(first.exit, 0, first.said);
    const command = printed(first, "To go on");
    assert.equal(command, "istio-canary promote --config shop.yaml --namespace shop --service reviews");

    const written = writesOf(sandbox);
    const without = await type(command);
    assert.equal(without.exit, 2, without.said);
    assert.match(without.said, /the stages that are left \(60%\) are judged by Prometheus, .*the header Authorization/);
    assert.deepEqual(writesOf(sandbox), written);
    assert.equal(routeOf(sandbox), "stable 50, canary 50");

    const second = await type(command, { env });
    assert.equal(second.exit, 0, second.said);
  });
});

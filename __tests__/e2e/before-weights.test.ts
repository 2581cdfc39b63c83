import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { request } from "undici";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { sumOf } from "./support/prometheus.ts";
import { assertQuiet, assertRolledBack, figures, image, withScene } from "./support/scene.ts";
import { sendRequests } from "./support/traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// What comes before weights, asked of Envoys with traffic running.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

describe("before weights", () => {
  after(() => api.close());

  test("copies of 50% reach the canary alone: a bad one is out before any user has met it", (t) =>
    withScene(bed, api, { name: "copies", perSecond: 50 }, async (scene) => {
      const stages = [{ weight: 0, mirror: 50, wait: "60s" }, 100];
      const ended = await scene.start({ gates: "auto", stages }, { flags: image("v2-err50") }).ended;
      await assertRolledBack(scene, ended, /% of the canary's requests failed \(\d+ of \d+\)/);
      assert.match(ended.said, /every mirrored POST is done twice/);
      const of = (reporter: string): Promise<number> =>
        sumOf(
          bed,
          `istio_requests_total{reporter="${reporter}",destination_workload="shop-v2",destination_workload_namespace="copies"}`,
        );
      assert.ok((await of("destination")) > 0, "the canary's own proxy counts copies");
      assert.equal(await of("source"), 0, "and nobody who sends them");
      const { counts, weights } = await scene.end();
      t.diagnostic(figures(counts));
      assert.deepEqual(weights, [{ v1: 100 }]);
      assert.deepEqual({ bad: counts.bad, byVersion: counts.byVersion }, { bad: 0, byVersion: { v1: counts.total } });
    }));

  test("a cookie keeps its user on each version, whatever the weights, and a rollback frees both at once", (t) =>
    withScene(bed, api, { name: "kept", perSecond: 20 }, async (scene) => {
      const settings = { stages: [{ weight: 50, wait: "3s", approval: true }, 100], affinity: { cookie: "version" } };
      const { code, said } = await scene.start(settings, { flags: image("v2") }).ended;
      assert.equal(code, 0, said);
      const { url, host } = { url: bed.gateway, host: scene.host };
      const given = async (): Promise<readonly string[]> => {
        const { headers, body } = await request(url, { headers: { host } });
        const { version } = (await body.json()) as { readonly version: string };
        return [version, String(headers["set-cookie"]).split(";")[0] ?? ""];
      };
      const cookies = new Map<string, string>();
      for (let asked = 0; cookies.size < 2 && asked < 100; asked++) {
        const [version = "", cookie = ""] = await given();
        cookies.set(version, cookie);
      }
      assert.deepEqual([...cookies.keys()].sort(), ["v1", "v2"]);
      const askedWith = async (cookie = ""): Promise<object> =>
        (await sendRequests(50, { url, host, headers: { cookie } })).byVersion;
      for (const [version, cookie] of cookies) assert.deepEqual(await askedWith(cookie), { [version]: 50 }, cookie);
      const back = await scene.start(settings, { command: "rollback" }).ended;
      assert.equal(back.code, 0, back.said);
      assert.deepEqual(await scene.now(), scene.before);
      await waitFor(
        async () => "v1" in (await askedWith(cookies.get("v2"))),
        "stable for whoever has the canary's cookie",
        10_000,
      );
      for (const cookie of cookies.values()) assert.deepEqual(await askedWith(cookie), { v1: 50 }, cookie);
      await assertQuiet(scene);
      const { counts } = await scene.end();
      t.diagnostic(figures(counts));
      assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
    }));
});

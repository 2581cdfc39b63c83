import assert from "node:assert/strict";
import test from "node:test";
import { loadAll } from "js-yaml";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { imageOf } from "../../sandbox/shop.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { clientOf } from "../support/cluster.ts";
import { deploymentOf, journalOf, objectsOf, routeOf } from "./facts.ts";
import { assertServedBy, scene } from "./scene.ts";

test("who has a Service and a Deployment alone runs init, applies its files, and releases", async (t) => {
  const { sandbox, traffic, type, readFile } = await scene(t, { shop: "one" });
  const person = clientOf(sandbox.api);
  for (const kind of [resources.virtualServices, resources.destinationRules])
    await person.delete(kind, "shop", "reviews");

  const before = objectsOf(sandbox);
  const prepared = await type("istio-canary init --namespace shop --service reviews");
  assert.equal(prepared.exit, 0, prepared.said);
  assert.deepEqual(objectsOf(sandbox), before);

  const [, written = ""] = /Written, to be reviewed:\n(.*?)\n\n/s.exec(prepared.stdout) ?? [];
  const files = [...written.matchAll(/^ {2}(istio-canary\/\S+)$/gm)].map(([, path = ""]) => path);
  assert.ok(files.length >= 3, written);
  for (const file of files) sandbox.api.apply(loadAll(readFile(file)) as SentObject[]);

  const quick = `--prometheus ${sandbox.prometheus.url} --metrics-interval 400ms --drain 100ms --mesh-delay 100ms`;
  const released = await type(
    `istio-canary release --image ${imageOf("v2")} --stages 20:700ms,100 --set gates=[{"restarts":{}}] ${quick}`,
    { env: { GITHUB_SHA: "v2" } },
  );
  assert.equal(released.exit, 0, released.said);
  assert.equal(journalOf(sandbox)?.state.phase, "succeeded");
  assert.equal(deploymentOf(sandbox, "reviews")?.image, imageOf("v2"));
  assert.equal(routeOf(sandbox), "stable 100, canary 0");
  await assertServedBy(sandbox, traffic, "v2");

  const again = await type("istio-canary init --namespace shop --service reviews");
  assert.match(again.said, /Nothing was written: all of it is there\./);
});

import assert from "node:assert/strict";
import test from "node:test";
import { configMapJournal } from "../../../src/adapters/kubernetes/config-map-journal.ts";
import { DeniedError } from "../../../src/lib/errors.ts";
import { recordOf } from "../../contracts/journal.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";

test("a journal whose before no adapter can read is refused when it is loaded, before anything is written", async () => {
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio-canary-reviews", namespace: "shop" },
    data: { "release.json": JSON.stringify(recordOf("one")) },
  };
  const journal = configMapJournal(stubClient([configMap]), "shop", "reviews", () => {
    throw new Error("routes: expected an object");
  });
  await assert.rejects(journal.load(), (error) => {
    assert.ok(error instanceof DeniedError);
    assert.match(error.message, /^ConfigMap shop\/istio-canary-reviews: .*before: not what a release writes there/);
    assert.match(error.next ?? "", /give stable its traffic by hand/);
    return true;
  });
});

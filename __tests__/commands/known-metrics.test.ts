import assert from "node:assert/strict";
import test from "node:test";
import { keptMetrics, needsSecrets } from "../../src/commands/known-metrics.ts";
import { configured, sound } from "../config/configured.ts";

test("the journal knows where requests are counted, without what is secret, and that there was something", async () => {
  for (const [prometheus, headers, secret] of [
    ["http://prometheus.test/p", {}, false],
    ["http://ada:S3CRET@prometheus.test/p", {}, true],
    ["http://ada@prometheus.test/p", {}, true],
    ["http://:S3CRET@prometheus.test/p", {}, true],
    ["http://prometheus.test/p?token=S3CRET", {}, true],
    ["http://prometheus.test/p", { authorization: "S3CRET" }, true],
  ] as const) {
    const config = await configured({ file: sound });
    const { metrics = assert.fail() } = config;
    const kept = keptMetrics({ ...config, metrics: { ...metrics, prometheus, headers } }) ?? assert.fail();
    assert.equal(needsSecrets(kept), secret, prometheus);
    assert.match(JSON.stringify(kept), /"url":"http:\/\/prometheus\.test\/p"(?!.*S3CRET)/);
  }
  assert.equal(keptMetrics({ ...(await configured({ file: sound })), metrics: undefined }), undefined);
});

import assert from "node:assert/strict";
import test from "node:test";
import { keptMetrics, metricsFor, needsSecrets } from "../../src/commands/known-metrics.ts";
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

test("who goes on with a release counts by the proxies as the job that began it did, without being told", async () => {
  const config = await configured({ file: sound });
  const { metrics = assert.fail() } = config;
  const byProxies = { ...metrics, source: "proxies", prometheus: "" } as const;
  const kept = keptMetrics({ ...config, metrics: byProxies });
  assert.deepEqual(metricsFor({ ...config, metrics: undefined }, { metrics: kept }), byProxies);
});

test("a Prometheus behind the API server is known again, and no other address that somebody writes into a journal", async () => {
  const config = await configured({ file: sound });
  const { metrics = assert.fail() } = config;
  const told = { ...config, metrics: undefined };
  const prometheus = "service://istio-system/prometheus:9090";
  const kept = keptMetrics({ ...config, metrics: { ...metrics, prometheus } }) ?? assert.fail();
  assert.equal(metricsFor(told, { metrics: kept })?.prometheus, prometheus);
  for (const url of ["", "file:///etc/passwd", "pod://shop/reviews:80"])
    assert.equal(metricsFor(told, { metrics: { ...kept, url } }), undefined, url);
});

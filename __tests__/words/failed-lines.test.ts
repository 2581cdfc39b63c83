import assert from "node:assert/strict";
import test from "node:test";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { endingOf } from "../../src/words/ending.ts";
import { statusText } from "../../src/words/status-text.ts";
import { evidenceSamples } from "./evidence-tale.ts";
import { samples } from "./sample.ts";

const cluster = { context: "prod-eu-1", host: "10.0.0.1:6443" };

/** What has to be done, and the command that ends it. */
const said: Readonly<Record<string, readonly [what: RegExp, command: string]>> = {
  "failed-stranded": [
    /reviews-v2 serves what the release moved, .*finds the pods of reviews-v2, too, or remove it; until then reviews-v1 keeps/,
    "promote",
  ],
  "failed-kept": [/Nobody is hurt: both Deployments run the new version\. Find out who writes that route/, "promote"],
  "failed-unserved": [/the Service, its subset in a DestinationRule, or the pods/, "promote"],
  "failed-promoting": [/what holds the promotion up/, "promote"],
};

for (const [name, [what, command]] of Object.entries(said))
  test(`a terminal and status say what to do about a release that is ${name}, and then which command`, () => {
    const account = samples[name] ?? assert.fail(name);
    const record: ReleaseRecord = { ...account, version: 1, before: { routes: {}, workloads: {} } };
    const deviation = { drift: undefined, differences: [], watched: undefined };
    const texts = [endingOf(account, false).lines.join("\n"), statusText(cluster, record, deviation, account.now)];
    for (const text of texts) {
      assert.match(text, what);
      assert.match(text, new RegExp(`Then, to finish: istio-canary ${command} --namespace shop --service reviews`));
    }
  });

test("status of a release that is over does not judge it once more", () => {
  const passed = evidenceSamples["passed-by-evidence"];
  const record: ReleaseRecord = { ...passed, version: 1, log: [], before: { routes: {}, workloads: {} } };
  const deviation = { drift: undefined, differences: [], watched: undefined };
  assert.doesNotMatch(statusText(cluster, record, deviation, passed.now), /evidence/);
  const going: ReleaseRecord = { ...record, state: { phase: "baking", stage: 2, since: passed.now, putBacks: 0 } };
  assert.match(statusText(cluster, going, deviation, passed.now), /^evidence \(pass\): /m);
});

import assert from "node:assert/strict";
import test from "node:test";
import { configured, problems, sound, soundBut } from "./configured.ts";

const requests = { "rehearse-rate": "50", "rehearse-errors": "0.5%" };
const rehearse = (inputs: Readonly<Record<string, string>>) => ({ command: "rehearse", ...inputs });

test("a rehearsal needs stages and requests, and neither a service nor a Prometheus", async () => {
  const { rehearsal, release, metrics, warnings, namespace } = await configured({
    inputs: rehearse({ stages: "10:2m, 50:5m, 100", ...requests }),
  });
  assert.deepEqual([rehearsal?.rate, rehearsal?.errors, rehearsal?.runs, rehearsal?.seed], [50, 0.005, undefined, 1]);
  assert.deepEqual([release, metrics, warnings, namespace], [undefined, undefined, [], ""]);
});

test("a plan is rehearsed at the pace of whoever counts: of the proxies where no Prometheus is named", async () => {
  const pace = async (metrics: string, stages = "10:2m") => {
    const { rehearsal } = await configured({
      file: soundBut(`metrics: ${metrics}`),
      inputs: rehearse({ stages, ...requests }),
    });
    return [rehearsal?.plan.pollEvery, rehearsal?.plan.evidence.settings.scrape];
  };
  assert.deepEqual(await pace("{}"), [1_000, 1_000]);
  assert.deepEqual(await pace("{ source: proxies }"), [1_000, 1_000]);
  assert.deepEqual(await pace("{ prometheus: 'http://prometheus:9090' }"), [15_000, 15_000]);
  assert.deepEqual(await pace("{ interval: 5s }"), [5_000, 5_000]);
  // A long plan is looked at some hundred times, so that nobody waits for minutes.
  assert.deepEqual(await pace("{}", "10:20m"), [3_000, 3_000]);
  assert.deepEqual(await pace("{}", "10:50m"), [8_000, 8_000]);
});

test("a plan is judged by evidence in a rehearsal also where no Prometheus is named", async () => {
  const gates = async (inputs: Readonly<Record<string, string>>) => {
    const { rehearsal } = await configured({ inputs: rehearse({ stages: "10:2m", ...requests, ...inputs }) });
    return rehearsal?.plan.stages[0]?.gates.map(({ kind }) => kind);
  };
  assert.deepEqual(await gates({}), ["evidence", "restarts"]);
  assert.deepEqual(await gates({ gates: "[auto, { errors: { atMost: 1% } }]" }), ["evidence", "restarts", "errors"]);
});

test("requests come from Prometheus where one is named, and the service with them", async () => {
  const { rehearsal, release, metrics } = await configured({ file: sound, inputs: rehearse({}) });
  assert.equal(rehearsal?.rate, undefined);
  assert.deepEqual(
    [release?.target.stable.deployment, release?.target.canary.deployment],
    ["reviews-v1", "reviews-v2"],
  );
  assert.equal(metrics?.prometheus, "http://prometheus:9090");
});

test("a clone without its new image can be rehearsed: its service is known", async () => {
  const { release } = await configured({ file: soundBut("canary: { from: clone, subset: v2 }"), inputs: rehearse({}) });
  assert.equal(release?.target.stable.deployment, "reviews-v1");
});

test("without requests and without a Prometheus both that are missing are told", async () => {
  assert.deepEqual(await problems({ inputs: rehearse({ stages: "10:2m" }) }), [
    "rehearse.rate: expected the service's requests per second, or a Prometheus to ask (metrics.prometheus), in the file or as --rehearse-rate",
    "rehearse.errors: expected the share of them that fails, or a Prometheus to ask (metrics.prometheus), in the file or as --rehearse-errors",
  ]);
});

test("what is wrong with the plan or the rehearsal itself stops it, and what is wrong elsewhere is a warning", async () => {
  assert.deepEqual(
    await problems({
      inputs: rehearse({ "rehearse-rate": "many", "rehearse-errors": "5", "rehearse-runs": "0", "rehearse-seed": "x" }),
    }),
    [
      'rehearse-rate: expected a number of requests per second such as 50, got "many"',
      'rehearse-errors: expected a percentage such as 5%, got "5"',
      'rehearse-runs: expected a number of releases, at most 100000, got "0"',
      'rehearse-seed: expected a whole number, got "x"',
      "stages: expected weights and how long each lasts, such as 10:2m, 50:5m, 100, in the file or as --stages",
    ],
  );
  const { warnings } = await configured({ file: soundBut("drift: never"), inputs: rehearse(requests) });
  assert.deepEqual(warnings, ['canary.yaml:9:1: drift: expected rollback or put-back, got "never"']);
});

test("what a rehearsal assumes can stand in the file, where a release does not mind it", async () => {
  const file = soundBut("rehearse: { rate: 0.5, errors: 0, runs: 100, seed: 7 }");
  const { rehearsal } = await configured({ file, inputs: rehearse({}) });
  assert.deepEqual([rehearsal?.rate, rehearsal?.errors, rehearsal?.runs, rehearsal?.seed], [0.5, 0, 100, 7]);
  const released = await configured({ file });
  assert.deepEqual([released.rehearsal, released.release?.plan.stages.length], [undefined, 3]);
});

test("what a rehearsal assumes wrongly hides no release from whoever is on call", async () => {
  const { release, warnings } = await configured({
    file: soundBut("rehearse: { runs: none }"),
    inputs: { command: "status" },
  });
  assert.equal(release?.target.canary.deployment, "reviews-v2");
  assert.deepEqual(warnings, [
    'canary.yaml:9:13: rehearse.runs: expected a number of releases, at most 100000, got "none"',
  ]);
});

test("a replay needs nothing but its report, whatever is wrong elsewhere", async () => {
  const bare = await configured({ inputs: { command: "replay", report: "r.json" } });
  assert.deepEqual([bare.reporting.report, bare.namespace, bare.warnings], ["r.json", "", []]);
  const broken = await configured({ file: "stages: [", inputs: { command: "replay" } });
  assert.deepEqual([broken.reporting.report, broken.warnings.length], ["canary-report.json", 1]);
});

test("a rehearsal that would take hours is refused, with how much it may be", async () => {
  const days = (given: Readonly<Record<string, string>>): Promise<readonly string[]> =>
    problems({ inputs: rehearse({ ...requests, "release-deadline": "30d", ...given }) });
  assert.deepEqual(await days({ stages: "10:1d, 100", "rehearse-runs": "20000" }), [
    "rehearse-runs: expected at most 3,472 releases of a plan with 5,760 polls, got 20000",
  ]);
  assert.deepEqual(await days({ stages: "10:28d, 100", "metrics-interval": "1s" }), [
    "metrics-interval: expected a longer interval: a plan with 2,419,200 polls takes too long to be rehearsed",
  ]);
  assert.deepEqual(await days({ stages: "10:28d, 100", "metrics-interval": "1m" }), []);
  assert.match((await days({ "rehearse-rate": "1000001" })).join(), /^rehearse-rate: expected a number of requests/);
});

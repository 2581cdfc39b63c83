// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import test from "node:test";
import type { Command } from "../../src/config/commands.ts";
import { configured, problems, sound, soundBut } from "./configured.ts";

const inEmergency: readonly Command[] = ["status", "rollback", "undo", "promote", "settle"];
const broken = soundBut(
  "stages: 10:2, 50\nimage: a:${TAG}\nreporting: { comment: perhaps, report: r.json }\ngates: [{}]\nfoo: 1",
);

for (const command of inEmergency) {
  test(`${command} goes on with a broken configuration, and warns of it`, async () => {
    const config = await configured({ file: broken, inputs: { command } });
    assert.deepEqual(
      [config.command, config.namespace, config.service, config.release],
      [command, "shop", "reviews", undefined],
    );
    assert.deepEqual(config.warnings, [
      "canary.yaml:9:1: image: the environment variable TAG is not set",
      'canary.yaml:8:1: stages[0]: expected a weight and a time, such as 10:2m, got "10:2"',
      "canary.yaml:11:9: gates[0]: expected a gate: auto, or a mapping with errors, latency, restarts, query, json or run, got {}",
      'canary.yaml:10:14: reporting.comment: expected true or false, got "perhaps"',
      'canary.yaml:12:1: unknown key "foo". Known: namespace, service, stable, canary, image, variables, routes, stages, testers, affinity, gates, evidence, metrics, promotion, deadlines, meshDelay, confirm, drift, firstDeploy, reporting, cluster, verify, rehearse',
    ]);
    assert.equal(config.metrics?.prometheus, "http://prometheus:9090", "what is right is used");
    assert.equal(config.reporting.comment, true, "what is broken counts as not written");
  });

  test(`${command} needs no more than the namespace and the service, and knows the release where the rest is there`, async () => {
    const bare = await configured({ inputs: { command, namespace: "shop", service: "reviews" } });
    assert.deepEqual([bare.release, bare.warnings], [undefined, []]);
    const whole = await configured({ file: sound, inputs: { command } });
    assert.equal(whole.release?.plan.stages.length, 3);
  });

  test(`${command} goes on without the file when inputs name the service`, async () => {
    const config = await configured({ file: "stages: [", inputs: { command, namespace: "shop", service: "reviews" } });
    assert.deepEqual(config.warnings, [
      "canary.yaml:1:10: is not YAML that can be read: unexpected end of the stream within a flow collection",
    ]);
  });

  test(`${command} stops when it cannot tell which service`, async () => {
    const lines = await problems({ file: soundBut("service: Reviews\ndrift: never"), inputs: { command } });
    assert.deepEqual(lines, [
      'service: expected a name of at most 63 lower-case letters, digits and dashes, got "Reviews"',
      'drift: expected rollback or put-back, got "never"',
    ]);
  });
}

for (const command of [...inEmergency, "verify"] as const) {
  test(`${command} needs neither the variables of manifests, nor manifests, where the canary is named`, async () => {
    const manifest =
      "kind: Deployment\napiVersion: apps/v1\nmetadata: { name: reviews-v2 }\nspec: { template: { image: '${TAG}' } }\n";
    const file = `${soundBut("canary: { subset: v2, from: { manifests: k8s.yaml } }")}variables: [TAG]\n`;
    const named = file.replace("canary: {", "canary: { deployment: reviews-v2,");
    const secret = "kind: Secret\napiVersion: v1\nmetadata: { name: s }\n";
    const situations = [
      { file, files: { "k8s.yaml": manifest } },
      { file: named, files: {} },
      { file: named, files: { "k8s.yaml": secret } },
    ];
    for (const situation of situations) {
      const config = await configured({ ...situation, inputs: { command } });
      assert.deepEqual([config.release?.target.canary.deployment, config.warnings], ["reviews-v2", []]);
    }
  });
}

test("verify says what it lacks where nobody but a manifest names the canary", async () => {
  const file = `${soundBut("canary: { subset: v2, from: { manifests: k8s.yaml } }")}variables: [TAG]\n`;
  const manifest = "kind: Deployment\napiVersion: apps/v1\nmetadata: { name: 'reviews-${TAG}' }\n";
  const inputs = { command: "verify" };
  assert.deepEqual(await problems({ file, files: { "k8s.yaml": manifest }, inputs }), [
    "k8s.yaml[0].metadata.name: the environment variable TAG is not set",
  ]);
});

test("verify needs the versions, and neither stages nor an image", async () => {
  const file = soundBut("stages: 10:2\ncanary: { from: clone, subset: v2 }");
  const config = await configured({ file, inputs: { command: "verify" } });
  assert.deepEqual([config.release?.target.canary.deployment, config.release?.plan.stages], ["reviews-v1-canary", []]);
  assert.deepEqual(config.warnings, [
    'canary.yaml:7:1: stages[0]: expected a weight and a time, such as 10:2m, got "10:2"',
  ]);
  assert.deepEqual(await problems({ file: soundBut("canary: reviews-v2"), inputs: { command: "verify" } }), [
    "canary.subset: expected a subset: both versions have the same host, and without one canary's share goes to the pods of both",
  ]);
});

test("undo goes to an image that somebody names, never to the file's own, and not to one that cannot be read", async () => {
  const file = soundBut("image: r:${TAG}");
  const inputs = { command: "undo" };
  assert.equal((await configured({ file, inputs, env: { TAG: "v2" } })).namedImage, undefined);
  assert.equal((await configured({ file, inputs: { ...inputs, image: "r:v0" } })).namedImage, "r:v0");
  assert.match((await problems({ file, inputs: { ...inputs, image: "r: v0" } })).join(), /^image: /);
});

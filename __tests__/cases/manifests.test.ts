import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { StoredObject } from "../../sandbox/api-server/object.ts";
import { type CaseOptions, type CaseRun, runCase } from "./support.ts";

type Case = CaseOptions & { readonly name: string; readonly sees: (run: CaseRun) => void };

/** Issue 10, section 2: a case, and what must be seen. */
const cases: readonly Case[] = [
  { name: "c33-matchexpressions-clone", sees: assertReleased },
  { name: "c72-odd-subset-labels-clone", sees: assertReleased },
  {
    name: "c53-octal-default-mode",
    sees(run) {
      assertReleased(run);
      const { volumes } = podSpecOf(run, "reviews-v2");
      assert.match(JSON.stringify(volumes), /"defaultMode":256.*"defaultMode":420/);
    },
  },
  {
    name: "c52-anchors-merge-keys",
    sees(run) {
      assertReleased(run);
      const labels = Object(find(run, "deployments", "reviews-v2").spec).template.metadata.labels;
      assert.deepEqual(labels, { app: "reviews", version: "v2", tier: "backend" });
    },
  },
  {
    name: "c56-shell-variables-in-manifest",
    env: { PATH: "/usr/bin", HOME: "/root" },
    sees(run) {
      assertReleased(run);
      const { data } = find(run, "configmaps", "reviews-nginx");
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
      const script = "export PATH=/app/bin:${PATH}\nexec /app/reviews --home ${HOME}\n";
      assert.deepEqual(data, { "run.sh": script });
    },
  },
  {
    name: "c56-shell-variables-in-manifest",
    command: "plan --variables HOME",
    env: { PATH: "/usr/bin", HOME: "/root" },
    sees({ exit, said }) {
      assert.equal(exit, 0, said);
      assert.match(said, /· \$\{HOME\} is filled from the environment: k8s\/v2\.yaml\[0\]\.data\["run\.sh"\], k8s/);
      assert.match(said, /· Manifests have \$\{PATH\} in them, which stays as it is\./);
    },
  },
  {
    name: "c56b-shell-defaults-in-manifest",
    sees: ({ exit, said }) => assert.equal(exit, 0, said),
  },
  { name: "c61-stable-in-manifests", sees: refusedWith(/v2\.yaml\[0\]: Deployment reviews-v1 is stable's/) },
];

function assertReleased({ exit, traffic, said }: CaseRun): void {
  assert.equal(exit, 0, said);
  assert.equal(traffic.bad, 0, said);
  assert.ok((traffic.byVersion.v2 ?? 0) > 0, said);
}

/** With nothing of the world touched. */
function refusedWith(...words: readonly RegExp[]): Case["sees"] {
  return ({ exit, said, traffic, sandbox }) => {
    assert.equal(exit, 2, said);
    for (const word of words) assert.match(said, word);
    assert.equal(traffic.bad, 0);
    const writes = sandbox.api.requests
      .all()
      .filter(({ method, path }) => method !== "GET" && !/dryRun=All|selfsubjectaccess|leases/.test(path));
    assert.deepEqual(writes, []);
  };
}

const find = ({ sandbox }: CaseRun, plural: string, name: string): StoredObject =>
  sandbox.api.store.get(kindNamed(plural), "shop", name) ?? assert.fail(`${plural} ${name} is not there`);

const podSpecOf = (run: CaseRun, name: string): Readonly<Record<string, unknown>> =>
  Object(find(run, "deployments", name).spec).template.spec;

describe("manifests and copies", { concurrency: 4 }, () => {
  for (const { name, sees, ...options } of cases)
    test(`${name}${options.command === undefined ? "" : `, ${options.command}`}`, async (t) => {
      sees(await runCase(t, name, options));
    });
});

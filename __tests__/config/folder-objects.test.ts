import assert from "node:assert/strict";
import test from "node:test";
import { folderObjects } from "../../src/config/folder-objects.ts";

const service = (name: string, namespace?: string): string =>
  JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name, namespace } });

type Row = {
  readonly text: string;
  readonly path?: string;
  readonly found: readonly string[];
  readonly problem?: RegExp;
};

const rows: Readonly<Record<string, Row>> = {
  "several documents, and lists in lists": {
    text: `${service("a")}\n---\n{kind: List, items: [${service("b", "other")}, {kind: List, items: [${service("c")}]}]}`,
    found: ["Service shop/a", "Service other/b", "Service shop/c"],
  },
  "what is no object of Kubernetes": {
    text: "replicas: 3\n---\n- a\n---\njust text\n---\n{apiVersion: v1, kind: Service}\n---\n{apiVersion: v1, kind: Service, metadata: {name: 7}}",
    found: [],
  },
  "what kustomize reads": { path: "kustomization.yaml", text: "{kind: X, resources: []}", found: [] },
  "an empty file": { text: "", found: [] },
  "a template that nobody has rendered": {
    text: "a: {{ .Values.b }}",
    found: [],
    problem: /^x\.yaml:1:\d+ is not YAML/,
  },
  "aliases of aliases of aliases": {
    text: `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
      .split("")
      .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[at]}`).join(",")}]`)
      .join("\n")}`,
    found: [],
    problem: /^x\.yaml has more than 200,000 values/,
  },
};

for (const [name, { text, path = "x.yaml", found, problem }] of Object.entries(rows))
  test(name, () => {
    const { objects, problems } = folderObjects([{ path, text }], "shop");
    assert.deepEqual(
      objects.map(({ object: { kind, metadata } }) => `${kind} ${metadata.namespace}/${metadata.name}`),
      found,
    );
    assert.equal(problems.length, problem ? 1 : 0);
    if (problem) assert.match(problems.join(), problem);
  });

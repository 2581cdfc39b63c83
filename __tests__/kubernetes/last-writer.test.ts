import assert from "node:assert/strict";
import test from "node:test";
import { lastWriter } from "../../src/kubernetes/last-writer.ts";
import { virtualService } from "../adapters/virtual-service/given.ts";

type Entry = readonly [manager: string, time: string, subresource?: string];

/** Who wrote when, and who is named when the object is not as `us` left it. */
const cases: Readonly<Record<string, readonly [entries: readonly Entry[], named: string | undefined]>> = {
  "the one who wrote after us": [
    [
      ["us", "10:00:00"],
      ["argocd", "10:00:05"],
    ],
    "argocd",
  ],
  "the last of several": [
    [
      ["helm", "09:00:00"],
      ["kubectl", "10:00:05"],
      ["us", "10:00:00"],
    ],
    "kubectl",
  ],
  "the other one, within the same second": [
    [
      ["argocd", "10:00:00"],
      ["us", "10:00:00"],
    ],
    "argocd",
  ],
  "nobody, if we were last": [
    [
      ["argocd", "09:59:59"],
      ["us", "10:00:00"],
    ],
    undefined,
  ],
  "nobody who only wrote the status": [
    [
      ["us", "10:00:00"],
      ["istiod", "10:00:05", "status"],
    ],
    undefined,
  ],
  "whoever is left, if our entry is gone": [[["kubectl", "10:00:00"]], "kubectl"],
  "nobody without entries": [[], undefined],
};

test("the last writer of a part is nobody who only wrote another", () => {
  const part = { "f:spec": { "f:template": { "f:spec": {} } } };
  const managedFields = [
    { manager: "us", time: "2026-01-01T10:00:00Z", fieldsV1: part },
    { manager: "argocd", time: "2026-01-01T10:00:05Z", fieldsV1: part },
    { manager: "autoscaler", time: "2026-01-01T10:00:09Z", fieldsV1: { "f:spec": { "f:replicas": {} } } },
  ];
  const object = virtualService({});
  const written = { ...object, metadata: { ...object.metadata, managedFields } };
  assert.equal(lastWriter(written, "us", "spec", "template"), "argocd");
  assert.equal(lastWriter(written, "us"), "autoscaler");
});

for (const [name, [entries, named]] of Object.entries(cases)) {
  test(`the last writer is ${name}`, () => {
    const managedFields = entries.map(([manager, time, subresource]) => ({
      manager,
      time: `2026-01-01T${time}Z`,
      ...(subresource ? { subresource } : {}),
    }));
    const object = virtualService({});
    assert.equal(lastWriter({ ...object, metadata: { ...object.metadata, managedFields } }, "us"), named);
  });
}

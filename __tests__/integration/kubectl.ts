import assert from "node:assert/strict";
import { find } from "./facts.ts";
import type { Scene } from "./scene.ts";

/** Somebody with `kubectl set image`. */
export const giveImage = (scene: Pick<Scene, "sandbox">, tag: string): void =>
  edit(scene, "reviews-v2", (spec) => JSON.parse(JSON.stringify(spec).replaceAll(/reviews:v[^"]*/g, `reviews:${tag}`)));

/** Somebody with `kubectl scale`. */
export const scaleTo = (scene: Pick<Scene, "sandbox">, name: string, replicas: number): void =>
  edit(scene, name, (spec) => ({ ...spec, replicas }));

function edit({ sandbox }: Pick<Scene, "sandbox">, name: string, change: (spec: object) => object): void {
  const { metadata, spec } = find(sandbox, "deployments", name) ?? assert.fail(`${name} is gone`);
  const { namespace = "", labels = {} } = metadata;
  sandbox.api.apply([
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace, labels }, spec: change(Object(spec)) },
  ]);
}

/** Somebody with kubectl. */
export function rewrite({ sandbox }: Pick<Scene, "sandbox">, v1: number, v2: number): void {
  const { spec } = find(sandbox, "virtualservices", "reviews") ?? assert.fail("the VirtualService is gone");
  const { http, ...rest } = spec as { readonly http: readonly [{ readonly route: readonly object[] }] };
  const route = http[0].route.map((destination, index) => ({ ...destination, weight: [v1, v2][index] }));
  sandbox.api.apply([
    {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "reviews", namespace: "shop" },
      spec: { ...rest, http: [{ ...http[0], route }] },
    },
  ]);
}

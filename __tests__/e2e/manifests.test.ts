import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { assertRefused, figures, image, type Scene, withScene } from "./support/scene.ts";
import { shop, virtualService } from "./support/shop.ts";

// What manifests may do is tried out on the server, and what would move requests at once is refused.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

const canary = { deployment: "shop-v2", subset: "v2" };

/** The settings of a release with these documents as its manifests. */
function withManifests({ namespace }: Scene, ...documents: readonly string[]): object {
  const file = join(testFolder(bed, namespace), "canary.yaml");
  writeFileSync(file, documents.join("\n---\n"));
  return { canary: { ...canary, from: { manifests: file } } };
}

const v2 = shop({ version: "v2", image: "shop:v0", replicas: 2 });

const volumes = (mode: string): string =>
  v2.replace(
    "      containers:",
    `      volumes: [{name: key, configMap: {name: shop-key, defaultMode: ${mode}}}]\n$&`,
  );

const deploymentIn = ({ namespace }: Scene): Promise<KubernetesObject> =>
  api.expect("GET", `/apis/apps/v1/namespaces/${namespace}/deployments/shop-v2`);

const refused: Readonly<Record<string, (scene: Scene) => { readonly manifest: string; readonly because: RegExp }>> = {
  "the release's own VirtualService": ({ host }) => ({
    manifest: virtualService(host, [{ host: "shop", subset: "v2" }]),
    because: /VirtualService \S+\/shop decides where requests of this release go/,
  }),
  "stable's own Deployment": () => ({
    manifest: shop({ version: "v1", image: "shop:v1-err50", replicas: 2 }),
    because: /Deployment shop-v1 is stable's/,
  }),
  "a version that is not served": () => ({
    manifest: "{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: shop}}",
    because: /does not serve Ingress of extensions\/v1beta1/,
  }),
  "an object of the whole cluster": () => ({
    manifest: "{apiVersion: v1, kind: Namespace, metadata: {name: shop-other}}",
    because: /Namespace shop-other belongs to no namespace/,
  }),
  "a field that the server does not know": () => ({
    manifest: "{apiVersion: v1, kind: ConfigMap, metadata: {name: shop-typo}, dta: {a: b}}",
    because: /ConfigMap \S+\/shop-typo was refused: .*dta/,
  }),
};

describe("manifests", { concurrency: 2 }, () => {
  after(() => api.close());

  test("what may not be applied is refused, and nothing is touched", () =>
    withScene(bed, api, { name: "manifests-refused" }, async (scene) => {
      for (const [what, of] of Object.entries(refused)) {
        const { manifest, because } = of(scene);
        const ended = await scene.start(withManifests(scene, v2, manifest), { flags: image("v2") }).ended;
        assert.ok(because.test(ended.said), `${what}: ${ended.said}`);
        await assertRefused(scene, ended, because);
      }
      const mode = await scene.start(withManifests(scene, volumes("644")), { flags: image("v2") }).ended;
      await assertRefused(scene, mode, /must be a number between 0 and 0777/);
      const { counts } = await scene.end();
      assert.equal(counts.bad, 0, figures(counts));
    }));

  test("a canary that kubectl applied is released from manifests, with modes as kubectl reads them", () =>
    withScene(bed, api, { name: "manifests-kubectl" }, async (scene) => {
      const key = "{apiVersion: v1, kind: ConfigMap, metadata: {name: shop-key}, data: {a: b}}";
      const settings = withManifests(scene, key, volumes("0400"));
      const plan = await scene.start(settings, { command: "plan", flags: image("v2") }).ended;
      assert.equal(plan.code, 0, plan.said);
      assert.match(plan.said, /Deployment \S+\/shop-v2 is there already, and changes: .*taken over from kubectl/);
      assert.deepEqual(await scene.now(), scene.before);
      const { code, said } = await scene.start(settings, { flags: image("v2") }).ended;
      assert.equal(code, 0, said);
      assert.match(JSON.stringify((await deploymentIn(scene)).spec), /"defaultMode":256/);
      const { counts } = await scene.end();
      assert.equal(counts.bad, 0, figures(counts));
    }));
});

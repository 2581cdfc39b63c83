import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { load } from "js-yaml";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { changed } from "./support/changed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { figures } from "./support/scene.ts";
import { assertShares } from "./support/shares.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { type Counts, sendRequests } from "./support/traffic.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Versions by header, from a pipeline: names carry the project's, images the date, and the VirtualService, which its author
// had to delete and make again at each release, is changed in place. The configuration is examples/names-from-ci.yaml.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "spring-boot";
const project = "orders";
const host = "spring-boot.example.com";
const image = (date: string): string => `registry.example.com/${project}:${date}`;

/** The author's minReadySeconds is 30. */
const deployment = (version: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: deployment-${project}-${version}, labels: {app: ${project}, version: ${version}}}
spec:
  replicas: 1
  minReadySeconds: 3
  selector: {matchLabels: {app: ${project}, version: ${version}}}
  template:
    metadata: {labels: {app: ${project}, version: ${version}}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: ${project}
        image: ${image("20261101")}
        imagePullPolicy: Always
        ports: [{containerPort: 8080}]
        volumeMounts: [{name: settings, mountPath: /app/application.yml, subPath: application.yml}]
      volumes: [{name: settings, configMap: {name: configmap-${project}}}]
`;

const objects = [
  deployment("v11"),
  deployment("v12"),
  `{apiVersion: v1, kind: ConfigMap, metadata: {name: configmap-${project}}, data: {application.yml: "server: {port: 8080}"}}\n`,
  `
apiVersion: v1
kind: Service
metadata: {name: service-${project}}
spec: {selector: {app: ${project}}, ports: [{name: http, port: 80, targetPort: 8080}]}
`,
  `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: destinationrule-${project}}
spec: {host: service-${project}, subsets: [{name: v101, labels: {version: v11}}, {name: v102, labels: {version: v12}}]}
`,
  `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: virtualservice-${project}}
spec:
  hosts: [${host}]
  gateways: [istio-system/public]
  http:
  - match: [{headers: {dhc-version: {exact: v1}}}]
    route: [{destination: {host: service-${project}, subset: v101}}]
  - match: [{headers: {dhc-version: {exact: v2}}}]
    route: [{destination: {host: service-${project}, subset: v102}}]
`,
];

/** `v11 20261101`: by the pod's name and the image's date. */
function versionIn(body: string): string {
  const { pod, version } = JSON.parse(body) as { readonly pod: string; readonly version: string };
  return `${/-(v1[12])-/.exec(pod)?.[1]} ${version}`;
}

const ask = (count: number, version: string): Promise<Counts> =>
  sendRequests(count, { url: bed.gateway, host, headers: { "dhc-version": version }, versionOf: versionIn });

const environment = {
  CI_NAMESPACE: namespace,
  CI_PROJECT_NAME: project,
  IMAGE_DATE: "20261121",
  CANARY_STAGES: "50:3s",
};
const example = load(readFileSync("examples/names-from-ci.yaml", "utf8")) as object;
const run = (given: Readonly<Record<string, string>>): Promise<Finished> =>
  runProgram(bed, { config: { ...example, promotion: { model: "update", drain: "1s" } }, environment: given });

describe("versions by header, with names from the pipeline", () => {
  let remove: () => Promise<void>;
  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, objects.join("---\n"), namespace);
    await rolledOut(api, namespace, `deployment-${project}-v11`, `deployment-${project}-v12`);
    await waitFor(async () => (await envoyWeights(bed, host)).v101 === 100, "the route in Envoy", 30_000);
  });
  after(async () => {
    await remove();
    await api.close();
  });

  test("a variable that the pipeline does not set is named, and nothing is touched", async () => {
    const was = await snapshot(api, namespace);
    const { IMAGE_DATE: _, ...others } = environment;
    const { code, said } = await run(others);
    assert.equal(code, 2, said);
    assert.match(said, /image: .*IMAGE_DATE/);
    assert.deepEqual(await snapshot(api, namespace), was);
  });

  test("clients of the first version move and come back to the new image; those of the second have it at once", async (t) => {
    const was = await snapshot(api, namespace);
    const place = { bed, api, namespace, host, headers: { "dhc-version": "v1" }, versionOf: versionIn };
    const seen = await underTraffic(place, () => run(environment));
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(Object.keys(seen.counts.byVersion).sort(), ["v11 20261101", "v11 20261121", "v12 20261121"]);
    assert.deepEqual(seen.weights, [{ v101: 100 }, { v101: 50, v102: 50 }, { v102: 100 }, { v101: 100 }]);

    const images = ["v11", "v12"].map(
      (version) =>
        [
          `Deployment/deployment-${project}-${version}`,
          "spec.template.spec.containers.0.image",
          image("20261121"),
        ] as const,
    );
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), `service-${project}`), changed(was, ...images));
    assertShares(await ask(30, "v1"), { "v11 20261121": 1 });
    assertShares(await ask(30, "v2"), { "v12 20261121": 1 });
    assert.deepEqual((await ask(5, "v3")).byStatus, { "404": 5 });
  });
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { changed } from "./support/changed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { figures, pick } from "./support/scene.ts";
import { assertShares } from "./support/shares.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { sendRequests } from "./support/traffic.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Two labelled versions behind a Gateway, as a tutorial has them: the label is not called version, the VirtualService takes
// every host and names destinations in full, and everything is written in v1beta1.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "walkthrough-labels";
const service = `canary.${namespace}.svc.cluster.local`;

const app = (version: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app${version}, labels: {app: ${version}}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${version}, apply: canary}}
  template:
    metadata: {labels: {app: ${version}, apply: canary}}
    spec:
      containers:
      - {name: app, image: "registry.test/app:${version}", ports: [{containerPort: 80}]}
`;

const objects = [
  app("v1"),
  app("v2"),
  `
apiVersion: v1
kind: Service
metadata: {name: canary, labels: {apply: canary}}
spec: {selector: {apply: canary}, ports: [{name: http, protocol: TCP, port: 80, targetPort: 80}]}
`,
  `
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: {name: canary-gateway}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
`,
  `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: canary}
spec:
  hosts: ["*"]
  gateways: [canary-gateway]
  http:
  - route:
    - {destination: {host: ${service}, subset: v1}, weight: 100}
    - {destination: {host: ${service}, subset: v2}, weight: 0}
`,
  `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: canary}
spec: {host: ${service}, subsets: [{name: v1, labels: {app: v1}}, {name: v2, labels: {app: v2}}]}
`,
];

const config = {
  ...{
    namespace,
    service: "canary",
    stable: { deployment: "appv1", subset: "v1", host: service },
    canary: { deployment: "appv2", subset: "v2", host: service },
  },
  ...{ stages: [{ weight: 10, wait: "2s", approval: true }], gates: [{ errors: { atMost: "5%", minRequests: 5 } }] },
  ...{
    metrics: { prometheus: bed.prometheus, interval: "1s" },
    promotion: { model: "swap", drain: "1s", keepOld: true },
  },
};
const run = (command: string, flags: readonly string[] = []): Promise<Finished> =>
  runProgram(bed, { command, config, flags });

describe("two labelled versions behind a gateway for every host", () => {
  let remove: () => Promise<void>;
  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, objects.join("---\n"), namespace);
    await rolledOut(api, namespace, "appv1", "appv2");
    await waitFor(async () => (await envoyWeights(bed, "*")).v1 === 100, "the route in Envoy", 30_000);
  });
  after(async () => {
    // It answers for every host that nobody else has.
    await api.call("DELETE", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/canary`);
    await remove();
    await waitFor(async () => (await fetch(bed.gateway)).status === 404, "the end of its route", 30_000);
    await api.close();
  });

  test("a hundred requests come out at about 9:1, and all of it can be taken back", async (t) => {
    const was = await snapshot(api, namespace);
    const seen = await underTraffic(
      { bed, api, namespace, host: "anything.example.com", weightsOf: { host: "*", admin: bed.envoyAdmin } },
      async () => {
        const released = await run("release");
        assert.equal(released.code, 0, released.said);
        assert.equal(released.outputs.outcome, "waiting");
        assert.deepEqual(
          withoutOurs(await snapshot(api, namespace), "canary"),
          changed(
            was,
            ["VirtualService/canary", "spec.http.0.route.0.weight", 90],
            ["VirtualService/canary", "spec.http.0.route.1.weight", 10],
          ),
        );
        const hundred = await sendRequests(100, { url: bed.gateway });
        t.diagnostic(figures(hundred));
        assertShares(hundred, { v1: 0.9, v2: 0.1 });
        assert.match((await run("verify", ["--verify-url", bed.gateway])).said, /^appv2 got \d+ of 100 requests: /);
        return run("rollback");
      },
    );
    const { code, said, outputs } = seen.result;
    t.diagnostic(figures(seen.counts));
    assert.equal(code, 0, said);
    assert.deepEqual(pick(outputs, "outcome", "settled", "because"), {
      outcome: "rolled-back",
      settled: "true",
      because: "rolled back by hand",
    });
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(seen.weights, [{ v1: 100 }, { v1: 90, v2: 10 }, { v1: 100 }]);
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), "canary"), was);
  });

  test("and finished: the next release gives everything to v2", async (t) => {
    const was = withoutOurs(await snapshot(api, namespace), "canary");
    const seen = await underTraffic(
      { bed, api, namespace, host: "anything.example.com", weightsOf: { host: "*", admin: bed.envoyAdmin } },
      async () => {
        assert.equal((await run("release")).code, 0);
        return run("promote");
      },
    );
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(seen.weights, [{ v1: 100 }, { v1: 90, v2: 10 }, { v2: 100 }]);
    assert.deepEqual(
      withoutOurs(await snapshot(api, namespace), "canary"),
      changed(
        was,
        ["VirtualService/canary", "spec.http.0.route.0.weight", 0],
        ["VirtualService/canary", "spec.http.0.route.1.weight", 100],
      ),
    );
    assertShares(await sendRequests(100, { url: bed.gateway }), { v2: 1 });
  });
});

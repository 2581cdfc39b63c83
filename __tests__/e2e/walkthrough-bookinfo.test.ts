import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mergePatch, openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { changed } from "./support/changed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { queryPrometheus, sumOf } from "./support/prometheus.ts";
import { figures } from "./support/scene.ts";
import { assertShares } from "./support/shares.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { type Counts, sendRequests } from "./support/traffic.ts";
import { answers, underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Istio's Bookinfo: productpage asks details and reviews, and reviews v2 and v3 ask ratings for stars. First without a mesh,
// then with sidecars, service by service; then reviews goes from v1 to v3, by this program instead of by hand.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "walkthrough-bookinfo";
const host = "bookinfo.example.com";
const reviews = `reviews.${namespace}.svc.cluster.local`;

const versions = { productpage: ["v1"], details: ["v1"], ratings: ["v1"], reviews: ["v1", "v2", "v3"] } as const;
type Service = keyof typeof versions;
const services = Object.keys(versions) as readonly Service[];

const service = (name: Service): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, labels: {app: ${name}, service: ${name}}}
spec: {ports: [{port: 9080, name: http}], selector: {app: ${name}}}
`;

const asks = (name: Service, version: string): string => {
  if (name === "productpage") return "http://details:9080 http://reviews:9080";
  return name === "reviews" && version !== "v1" ? "http://ratings:9080" : "";
};

const deployment = (name: Service, version: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}-${version}, labels: {app: ${name}, version: ${version}}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}, version: ${version}}}
  template:
    metadata: {labels: {app: ${name}, version: ${version}}}
    spec:
      containers:
      - name: ${name}
        image: registry.test/istio/examples-bookinfo-${name}-${version}:${version}
        imagePullPolicy: IfNotPresent
        ports: [{containerPort: 9080}]
        env: [{name: BACKEND_URL, value: "${asks(name, version)}"}]
`;

const destinationRule = (name: Service): string => `
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: ${name}, subsets: ${JSON.stringify(versions[name].map((version) => ({ name: version, labels: { version } })))}}
`;

/** One destination and no weight. */
const virtualService = (name: Service): string => `
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: ${name}}
spec: {hosts: [${name}], http: [{route: [{destination: {host: ${name}, subset: v1}}]}]}
`;

const entry = `
apiVersion: networking.istio.io/v1alpha3
kind: Gateway
metadata: {name: bookinfo-gateway}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: bookinfo}
spec:
  hosts: [${host}]
  gateways: [bookinfo-gateway]
  http:
  - match:
    - {uri: {exact: /productpage}}
    - {uri: {prefix: /static}}
    - {uri: {exact: /login}}
    - {uri: {exact: /logout}}
    - {uri: {prefix: /api/v1/products}}
    route: [{destination: {host: productpage, port: {number: 9080}}}]
`;

const autoscaler = (version: string): string => `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: reviews-${version}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: reviews-${version}}
  minReplicas: 1
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`;

type Answer = { readonly version: string; readonly backends?: readonly Answer[] };

/** The version of reviews, and whether it shows stars: `v3 with stars`. */
function reviewsIn(body: string): string | undefined {
  type Page = { readonly backends: readonly { readonly url: string; readonly body: Answer }[] };
  const { backends } = JSON.parse(body) as Page;
  const found = backends.find(({ url }) => url.includes("reviews"))?.body;
  return found && `${found.version}${found.backends ? " with stars" : ""}`;
}

const ask = (count: number): Promise<Counts> =>
  sendRequests(count, { url: `${bed.gateway}/productpage`, host, versionOf: reviewsIn });

/** What comes of requests that no route decides on. */
const third = { v1: 1 / 3, "v2 with stars": 1 / 3, "v3 with stars": 1 / 3 };

/** Whoever calls hears of pods a little later than they are ready. */
async function allAnswer(): Promise<void> {
  const settled = async (): Promise<boolean> => {
    const { bad, byVersion } = await ask(30);
    return bad === 0 && Object.keys(byVersion).length === versions.reviews.length;
  };
  await waitFor(settled, "good answers of every version of reviews", 30_000);
}

const config = {
  ...{
    namespace,
    service: "reviews",
    stable: { deployment: "reviews-v1", subset: "v1" },
    canary: { deployment: "reviews-v3", subset: "v3" },
  },
  ...{ stages: [{ weight: 50, wait: "3s", approval: true }], gates: [{ errors: { atMost: "5%", minRequests: 10 } }] },
  ...{
    metrics: { prometheus: bed.prometheus, interval: "1s", reporter: "destination" },
    promotion: { model: "swap", drain: "1s", keepOld: true },
  },
};
const run = (command: string, flags: readonly string[] = []): Promise<Finished> =>
  runProgram(bed, { command, config, flags });

describe("Bookinfo", () => {
  let remove: () => Promise<void>;
  before(async () => {
    remove = await newNamespace(api, namespace, false);
    const deployments = services.flatMap((name) => versions[name].map((version) => deployment(name, version)));
    await apply(api, [...services.map(service), ...deployments, entry].join("---\n"), namespace);
    await eachDeployment((name) => rolledOut(api, namespace, name));
    await allAnswer();
  });
  after(async () => {
    await remove();
    await api.close();
  });

  test("without a mesh every version of reviews is asked in turn", async () => {
    assert.deepEqual(await readiness(), ["1/1"]);
    assertShares(await ask(300), third);
  });

  test("with sidecars, service by service, pods are 2/2, and versions that no route pins still get a third each", async () => {
    for (const name of services) {
      const injected = { spec: { template: { metadata: { labels: { "sidecar.istio.io/inject": "true" } } } } };
      for (const version of versions[name])
        await api.expect("PATCH", pathOf(`${name}-${version}`), injected, mergePatch);
      await rolledOut(api, namespace, ...versions[name].map((version) => `${name}-${version}`));
    }
    await waitFor(
      async () => JSON.stringify(await readiness()) === '["2/2"]',
      "the end of pods without a sidecar",
      30_000,
    );
    await apply(api, services.map(destinationRule).join("---\n"), namespace);
    await allAnswer();
    assertShares(await ask(300), third);
  });

  test("a release is refused while no route pins stable, and the refusal says what that does", async () => {
    const was = await snapshot(api, namespace);
    const { code, said } = await run("plan");
    assert.equal(code, 2, said);
    assert.match(said, /✗ .*VirtualService walkthrough-bookinfo\/reviews does not exist/);
    assert.match(
      said,
      /No VirtualService sends the requests for reviews to stable's subset v1, and the Service selects the canary's pods, too: they get about 50% of the requests already/,
    );
    assert.deepEqual(await snapshot(api, namespace), was);
  });

  test("one destination v1, then half v3, then one destination v3: no request fails, and autoscalers are left alone", async (t) => {
    await apply(api, [...services.map(virtualService), ...versions.reviews.map(autoscaler)].join("---\n"), namespace);
    const admin = `http://${await addressOf("productpage")}:15000`;
    await waitFor(
      async () => (await envoyWeights(bed, reviews, admin)).v1 === 100,
      "the route in productpage's sidecar",
      30_000,
    );
    assertShares(await ask(100), { v1: 1 });
    const ofStable = `count(istio_requests_total{destination_service_namespace="${namespace}",destination_workload="reviews-v1",reporter="destination"})`;
    await waitFor(async () => (await sumOf(bed, ofStable)) > 0, "a scrape that has stable's requests", 30_000);

    const was = await snapshot(api, namespace);
    const place = {
      bed,
      api,
      namespace,
      host,
      path: "/productpage",
      perSecond: 40,
      versionOf: reviewsIn,
      weightsOf: { host: reviews, admin },
    };
    const seen = await underTraffic(place, async (traffic) => {
      const released = await run("release");
      assert.equal(released.code, 0, released.said);
      assert.equal(released.outputs.outcome, "waiting");
      const half = { destination: { host: "reviews", subset: "v1" }, weight: 50 };
      assert.deepEqual(
        withoutOurs(await snapshot(api, namespace), "reviews"),
        changed(was, [
          "VirtualService/reviews",
          "spec.http.0.route",
          [half, { ...half, destination: { host: "reviews", subset: "v3" } }],
        ]),
      );
      traffic.sinceLast();
      await answers(traffic, 200);
      assertShares(traffic.sinceLast(), { v1: 0.5, "v3 with stars": 0.5 });
      const watched = `istio_requests_total{destination_service_namespace="${namespace}",destination_service_name="reviews",reporter="destination"}`;
      const counted = (await queryPrometheus(bed, `sum by (destination_workload) (increase(${watched}[3s])) > 0`)).map(
        ({ metric }) => metric.destination_workload,
      );
      assert.deepEqual(counted.sort(), ["reviews-v1", "reviews-v3"]);
      return run("promote");
    });
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(seen.weights, [{ v1: 100 }, { v1: 50, v3: 50 }, { v3: 100 }]);
    assert.deepEqual(
      withoutOurs(await snapshot(api, namespace), "reviews"),
      changed(was, ["VirtualService/reviews", "spec.http.0.route.0.destination.subset", "v3"]),
    );
    assertShares(await ask(100), { "v3 with stars": 1 });
  });
});

const pathOf = (name: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

const eachDeployment = (look: (name: string) => Promise<void>): Promise<unknown> =>
  Promise.all(services.flatMap((name) => versions[name].map((version) => look(`${name}-${version}`))));

type Pod = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly status: { readonly podIP: string; readonly containerStatuses?: readonly { readonly ready: boolean }[] };
};

const pods = async (): Promise<readonly Pod[]> =>
  (await api.expect<{ readonly items: readonly Pod[] }>("GET", `/api/v1/namespaces/${namespace}/pods`)).items;

/** What kubectl's column READY has, each once. */
async function readiness(): Promise<readonly string[]> {
  const shown = (await pods()).map(
    ({ status: { containerStatuses = [] } }) =>
      `${containerStatuses.filter(({ ready }) => ready).length}/${containerStatuses.length}`,
  );
  return [...new Set(shown)];
}

async function addressOf(app: string): Promise<string> {
  return (await pods()).find(({ metadata }) => metadata.labels.app === app)?.status.podIP ?? "";
}

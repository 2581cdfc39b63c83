import assert from "node:assert/strict";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { describe, type TestContext } from "node:test";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { jobEnvironment } from "../../sandbox/job.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { startTraffic } from "../../sandbox/traffic.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Target, Version } from "../../src/release/target.ts";
import { startProgram } from "./program.ts";
import { action, pull } from "./scene.ts";

/** What the examples ask of the environment; tags say how a pod of the sandbox behaves. */
const environment = {
  GITHUB_SHA: "v2",
  GITHUB_REF_NAME: "main",
  PROM_TOKEN: "prom-token",
  CI_NAMESPACE: "spring-boot",
  CI_PROJECT_NAME: "greeter",
  IMAGE_DATE: "v2",
  CANARY_STAGES: "10:2m, 100",
};

/** What makes minutes seconds; everything else is the example's own. */
const short = {
  stages: "50:300ms, 100",
  gates: "- errors: { atMost: 5%, minRequests: 3 }\n- restarts: {}",
  "metrics-interval": "400ms",
  drain: "100ms",
  "mesh-delay": "100ms",
  image: "registry.example/app:v2",
};

/** Each configuration of examples/ releases, in a world that has the objects which it names. */
describe("the examples", { concurrency: 3 }, () => {
  for (const config of globSync("examples/*.yaml").sort()) {
    test(`${config} releases without a bad answer`, async (t) => {
      const { target } = await targetOf(config);
      const { sandbox, traffic, run } = await world(t, target);
      const { exit, said, outputs } = await run({
        ...short,
        config: resolve(config),
        prometheus: sandbox.prometheus.url,
      });
      assert.equal(exit, 0, said);
      assert.deepEqual([outputs.outcome, outputs.settled], ["succeeded", "true"], said);
      const { requests, bad } = traffic.counts();
      assert.ok(requests > 0);
      assert.equal(bad, 0);
    });
  }
});

async function targetOf(config: string): Promise<{ readonly target: Target }> {
  const inputs = { config, image: short.image };
  const { release } = await loadConfig({
    inputs,
    env: environment,
    readFile: (path) => readFile(path, "utf8"),
    registerSecret: () => {},
  });
  return release ?? assert.fail(`${config} says nothing of a release`);
}

async function world(t: TestContext, target: Target) {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-example-"));
  const sandbox = await startSandbox({
    objects: objectsOf(target),
    pulls: [pull],
    scrapeInterval: 400,
    podTimes: { becomesReady: 50 },
  });
  const traffic = startTraffic({ url: sandbox.gateway.url, host: "app.example.com", rate: 20, most: 2_000 });
  t.after(async () => {
    await traffic.stop();
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, sandbox.api.kubeconfig());
  const env = {
    ...environment,
    ...jobEnvironment(sandbox, kubeconfig, { runId: "4711", sha: pull.commits[0] }),
    GITHUB_SHA: environment.GITHUB_SHA,
  };
  const run = async (inputs: Readonly<Record<string, string>>) =>
    startProgram({ action: await action, cwd: ".", inputs: { ...inputs, report: join(folder, "report.json") }, env })
      .ended;
  return { sandbox, traffic, run };
}

type Labels = Readonly<Record<string, string>>;

/** What stands in the cluster before a release of this target: the versions that exist, behind Services, subsets and routes. */
function objectsOf(target: Target): readonly SentObject[] {
  const { namespace, service, stable, canary, routes, source } = target;
  const namespaces = [...new Set([namespace, ...routes.map((route) => route.namespace)])];
  return [
    ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    ...[
      service,
      ...[stable, canary].filter(({ subset }) => subset === undefined).map(({ host }) => host.split(".")[0] ?? host),
    ].map((name) =>
      serviceObject(
        namespace,
        name,
        name === service ? { app: service } : { app: service, ...labelsOf(target, versionOf(target, name)) },
      ),
    ),
    deployment(target, stable, "v1"),
    ...(source.from === "existing" ? [deployment(target, canary, "v0")] : []),
    ...(stable.subset === undefined ? [] : [destinationRule(target)]),
    ...routes.flatMap((route) =>
      route.kind === "VirtualService" ? [virtualService(target, route)] : httpRoute(target, route),
    ),
  ];
}

const versionOf = ({ stable, canary }: Target, host: string): Version =>
  canary.host.split(".")[0] === host ? canary : stable;

/** A clone's labels say by which of them versions differ; elsewhere it is the usual one. */
function labelsOf({ source, stable }: Target, version: Version): Labels {
  const key = source.from === "clone" ? (Object.keys(source.labels)[0] ?? "version") : "version";
  return { [key]: version === stable ? (stable.subset ?? "v1") : (version.subset ?? "v2") };
}

const serviceObject = (namespace: string, name: string, selector: Labels): SentObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { selector, ports: [{ name: "http", port: 80, targetPort: 9080 }] },
});

function deployment(target: Target, version: Version, tag: string): SentObject {
  const labels = { app: target.service, ...labelsOf(target, version) };
  const container = {
    name: target.container ?? "app",
    image: `registry.example/app:${tag}`,
    ports: [{ name: "http", containerPort: 9080 }],
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: version.deployment, namespace: target.namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}

const destinationRule = (target: Target): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: target.service, namespace: target.namespace },
  spec: {
    host: target.service,
    subsets: [target.stable, target.canary].map((version) => ({
      name: version.subset,
      labels: labelsOf(target, version),
    })),
  },
});

/** Behind a Gateway that is there. */
const httpRoute = ({ stable }: Target, { namespace, name, kind }: Target["routes"][number]): readonly SentObject[] => [
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "public", namespace },
    spec: { gatewayClassName: "istio", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
  },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: { name, namespace },
    spec: {
      parentRefs: [{ name: "public" }],
      hostnames: ["app.example.com"],
      rules: [{ backendRefs: [{ name: stable.host, port: 80 }] }],
    },
  },
];

function virtualService({ namespace, stable, canary }: Target, route: Target["routes"][number]): SentObject {
  const destination = ({ host, subset }: Version, weight: number) => ({
    destination: {
      host: host.includes(".") ? host : `${host}.${namespace}.svc.cluster.local`,
      ...(subset === undefined ? {} : { subset }),
    },
    weight,
  });
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: route.name, namespace: route.namespace },
    spec: {
      hosts: [route.namespace === namespace ? "app.example.com" : `${route.name}.example.com`],
      http: [
        {
          ...(route.routes[0] === undefined ? {} : { name: route.routes[0] }),
          route: [destination(stable, 100), destination(canary, 0)],
        },
      ],
    },
  };
}

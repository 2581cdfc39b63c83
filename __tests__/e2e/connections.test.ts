import assert from "node:assert/strict";
import { once } from "node:events";
import { request as overTcp } from "node:http";
import { request as overTls, Agent as TlsAgent } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listAt, numberAt, textAt } from "../../src/kubernetes/field.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { destinationRule } from "./support/shop.ts";
import { waitFor } from "./support/wait-for.ts";

// Connections divided on the real mesh, by each kind of route that can: Envoy decides once for each that is opened.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const address = new URL(bed.gateway).hostname;

const gateways = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: connections, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 31400, name: tcp, protocol: TCP}, hosts: ["*"]}
  - {port: {number: 31401, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: ["*"]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: connections-by-gateway-api, namespace: istio-system}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: istio-ingressgateway.istio-system.svc.cluster.local}]
  listeners:
  - {name: tcp, port: 31402, protocol: TCP, allowedRoutes: {namespaces: {from: All}, kinds: [{kind: TCPRoute}]}}
  - {name: tls, port: 31403, protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {namespaces: {from: All}, kinds: [{kind: TLSRoute}]}}
`;

const service = (name: string, selector: object): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  selector: ${JSON.stringify(selector)}
  ports: [{name: tcp, port: 9000, targetPort: 9080}, {name: tls, port: 9443, targetPort: 9443}]
`;

const deployment = (version: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo-${version}}
spec:
  replicas: 1
  selector: {matchLabels: {app: echo, version: ${version}}}
  template:
    metadata: {labels: {app: echo, version: ${version}}}
    spec:
      containers:
      - name: echo
        image: registry.test/echo:v1
        ports: [{name: http, containerPort: 9080}, {name: tls, containerPort: 9443}]
        readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
`;

const virtualService = (section: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo}
spec:
  hosts: ["*"]
  gateways: [istio-system/connections]
  ${section}
`;

const gatewayRoute = (kind: string, listener: string, port: number, more = ""): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {name: echo}
spec:
  parentRefs: [{name: connections-by-gateway-api, namespace: istio-system, sectionName: ${listener}}]
  ${more}
  rules: [{name: primary, backendRefs: [{name: echo-v1, port: ${port}}]}]
`;

type Kind = {
  readonly route: string;
  readonly path: string;
  readonly list: readonly (string | number)[];
  readonly bySubset: boolean;
  readonly routes: unknown;
  readonly stages: string;
  readonly steps: readonly string[];
  readonly port: number;
  readonly sni?: string;
};

const sni = "echo.example.com";
const steps20 = ["80 20", "60 40", "40 60", "20 80", "0 100"];

const kinds: Readonly<Record<string, Kind>> = {
  tcp: {
    route: virtualService(
      "tcp: [{match: [{port: 31400}], route: [{destination: {host: echo, port: {number: 9000}, subset: v1}, weight: 100}, {destination: {host: echo, port: {number: 9000}, subset: v2}, weight: 0}]}]",
    ),
    path: "networking.istio.io/v1/namespaces/NAMESPACE/virtualservices/echo",
    list: ["tcp", 0, "route"],
    bySubset: true,
    routes: { virtualService: "echo", routes: ["tcp:31400"] },
    stages: "20:3s, 40:3s, 60:3s, 80:3s, 100",
    steps: steps20,
    port: 31_400,
  },
  tls: {
    route: virtualService(
      `tls: [{match: [{port: 31401, sniHosts: [other.example.com]}], route: [{destination: {host: other, port: {number: 9443}}}]}, {match: [{port: 31401, sniHosts: [${sni}]}], route: [{destination: {host: echo, port: {number: 9443}, subset: v1}, weight: 100}, {destination: {host: echo, port: {number: 9443}, subset: v2}, weight: 0}]}]`,
    ),
    path: "networking.istio.io/v1/namespaces/NAMESPACE/virtualservices/echo",
    list: ["tls", 1, "route"],
    bySubset: true,
    routes: { virtualService: "echo", routes: [`tls:${sni}`] },
    stages: "10:3s, 50:3s, 100",
    steps: ["90 10", "50 50", "0 100"],
    port: 31_401,
    sni,
  },
  tcproute: {
    route: gatewayRoute("TCPRoute", "tcp", 9000),
    path: "gateway.networking.k8s.io/v1/namespaces/NAMESPACE/tcproutes/echo",
    list: ["rules", 0, "backendRefs"],
    bySubset: false,
    routes: { tcpRoute: "echo" },
    stages: "10:4s, 100",
    steps: ["90 10", "0 100"],
    port: 31_402,
  },
  tlsroute: {
    route: gatewayRoute("TLSRoute", "tls", 9443, `hostnames: [${sni}]`),
    path: "gateway.networking.k8s.io/v1/namespaces/NAMESPACE/tlsroutes/echo",
    list: ["rules", 0, "backendRefs"],
    bySubset: false,
    routes: { tlsRoute: "echo" },
    stages: "10:4s, 100",
    steps: ["90 10", "0 100"],
    port: 31_403,
    sni,
  },
};

/** Opens a connection, asks over it who is there, and closes it. */
async function version({ port, sni: servername }: Kind): Promise<string> {
  const asked = { host: address, port, path: "/", agent: false, timeout: 5_000 } as const;
  const request =
    servername === undefined
      ? overTcp(asked)
      : overTls({ ...asked, agent: new TlsAgent({ maxCachedSessions: 0 }), servername, rejectUnauthorized: false });
  request.end();
  const [response] = (await once(request, "response")) as [NodeJS.ReadableStream];
  return (JSON.parse(await text(response)) as { readonly version: string }).version;
}

/** Opens connections one after the other until it is stopped. */
function openConnections(kind: Kind) {
  const seen: Record<string, number> = {};
  const failures: string[] = [];
  let stopped = false;
  const work = (async () => {
    while (!stopped) {
      const answered = await version(kind).catch((error: unknown) => void failures.push(String(error)));
      if (answered !== undefined) seen[answered] = (seen[answered] ?? 0) + 1;
      await sleep(10);
    }
  })();
  return {
    seen,
    failures,
    async stop() {
      stopped = true;
      await work;
    },
  };
}

describe("connections", () => {
  before(() => apply(api, gateways, "istio-system"));
  after(async () => {
    await api.call("DELETE", "/apis/networking.istio.io/v1/namespaces/istio-system/gateways/connections");
    await api.call(
      "DELETE",
      "/apis/gateway.networking.k8s.io/v1/namespaces/istio-system/gateways/connections-by-gateway-api",
    );
    await api.close();
  });

  for (const [name, kind] of Object.entries(kinds)) {
    const namespace = `connections-${name}`;
    const path = `/apis/${kind.path.replace("NAMESPACE", namespace)}`;
    const versionOf = (one: unknown): string =>
      (textAt(one, "destination", "subset") ?? textAt(one, "name") ?? "").slice(-2);
    const destinations = async (): Promise<readonly (readonly [string, number | undefined])[]> =>
      listAt(await api.expect<object>("GET", path), "spec", ...kind.list).map((one) => [
        versionOf(one),
        numberAt(one, "weight"),
      ]);
    const release = (image: string): Promise<Finished> =>
      runProgram(bed, {
        config: {
          namespace,
          service: "echo",
          stable: { deployment: "echo-v1", ...(kind.bySubset ? { subset: "v1" } : { host: "echo-v1" }) },
          canary: { deployment: "echo-v2", ...(kind.bySubset ? { subset: "v2" } : { host: "echo-v2" }) },
          routes: kind.routes,
          stages: kind.stages,
          gates: [{ restarts: {} }, { run: { name: "echo", command: ["true"] } }],
          metrics: { source: "none" },
          promotion: { model: "swap", drain: "1s" },
        },
        flags: ["--image", `registry.test/${image}`],
      });

    test(`${name}: new connections follow each weight, none is lost, and in the end all go to the new version`, async () => {
      const remove = await newNamespace(api, namespace);
      const hosts = kind.bySubset
        ? ""
        : ["v1", "v2"].map((one) => service(`echo-${one}`, { app: "echo", version: one })).join("---");
      const objects = [
        service("echo", { app: "echo" }),
        ...(kind.bySubset ? [destinationRule("echo", { v1: { version: "v1" }, v2: { version: "v2" } })] : [hosts]),
        deployment("v1"),
        deployment("v2"),
        kind.route,
      ];
      await apply(api, objects.join("---\n"), namespace);
      await rolledOut(api, namespace, "echo-v1", "echo-v2");
      await waitFor(
        () =>
          version(kind).then(
            (one) => one === "v1",
            () => false,
          ),
        "the first connection",
        60_000,
      );
      const traffic = openConnections(kind);
      const steps: string[] = [];
      let watching = true;
      const watch = (async () => {
        while (watching) {
          const all = new Map(await destinations());
          const step = `${all.get("v1") ?? 0} ${all.get("v2") ?? 0}`;
          if (step !== steps.at(-1)) steps.push(step);
          await sleep(100);
        }
      })();
      try {
        const done = await release("echo:v2");
        assert.equal(done.code, 0, done.said);
        await waitFor(
          () =>
            version(kind).then(
              (one) => one === "v2",
              () => false,
            ),
          "the new version",
          30_000,
        );
        watching = false;
        await watch;
        await traffic.stop();
        assert.deepEqual(traffic.failures, []);
        assert.deepEqual(
          kind.steps.filter((step) => !steps.includes(step) && step !== "0 100"),
          [],
          steps.join("; "),
        );
        assert.ok((traffic.seen.v1 ?? 0) > 0 && (traffic.seen.v2 ?? 0) > 0, JSON.stringify(traffic.seen));
        const last = await Promise.all(Array.from({ length: 30 }, () => version(kind)));
        assert.deepEqual([...new Set(last)], ["v2"]);
        assert.match(done.said, /divides connections, of which proxies see no answer: gates of your own and restarts/);
      } finally {
        watching = false;
        await traffic.stop();
        await watch;
        await remove();
      }
    });
  }
});
